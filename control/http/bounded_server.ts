import type { Clock } from "../../agent/lib/clock.ts";
import { sleep } from "../../agent/lib/deadline.ts";
import { ConnectionLimit, type ConnectionLimits } from "./connection_limit.ts";
import { type Exchange, exchange } from "./exchange.ts";

/** The pause after a connection that could not be accepted, for example for want of file descriptors, in milliseconds. */
const ACCEPT_RETRY_MS = 1000;

/**
 * Answers HTTP, one request a connection, and no more connections than its limits allow.
 *
 * `Deno.serve` bounds neither the number of connections nor their time: clients that never end a request could take all
 * file descriptors of the process, and with them the way to MongoDB.
 */
export class BoundedServer {
  readonly #listener: Deno.TcpListener;
  readonly #clock: Clock;
  readonly #exchange: Exchange;
  readonly #connections: ConnectionLimit;
  readonly #stop = new AbortController();

  /** Answers from now on. */
  constructor({ clock, exchange, limits, listener }: BoundedServerOptions) {
    this.#listener = listener;
    this.#clock = clock;
    this.#exchange = exchange;
    this.#connections = new ConnectionLimit(clock, limits);
    this.#accept();
  }

  /** Ends it. Never throws. */
  close(): void {
    this.#stop.abort();
    this.#listener.close();
    this.#connections.closeAll();
  }

  async #accept(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        await this.#connections.room(signal);
        this.#serve(await this.#listener.accept());
      } catch {
        // A client may give up before it is accepted. For want of descriptors, the next try would fail at once.
        if (!signal.aborted) await sleep(this.#clock, ACCEPT_RETRY_MS, signal);
      }
    }
  }

  async #serve(connection: Deno.TcpConn): Promise<void> {
    this.#connections.add(connection);
    try {
      await exchange(connection, this.#exchange, () => this.#connections.spare(connection));
    } catch {
      // The client is gone, or its time is over.
    }
    this.#connections.close(connection);
  }
}

/** What a {@linkcode BoundedServer} needs. */
export interface BoundedServerOptions {
  readonly clock: Clock;
  readonly exchange: Exchange;
  readonly limits: ConnectionLimits;
  /** It is closed with the server. */
  readonly listener: Deno.TcpListener;
}
