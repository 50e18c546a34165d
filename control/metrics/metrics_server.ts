import { CommandError, errorText, UsageError } from "../../agent/errors.ts";
import type { Clock } from "../../agent/lib/clock.ts";
import { sleep } from "../../agent/lib/deadline.ts";
import { PROMETHEUS_TYPE } from "../../agent/metrics/prometheus_text.ts";
import { ConnectionLimit } from "./connection_limit.ts";
import { type Answer, exchange } from "./http_exchange.ts";

/**
 * A port without a password is open to all that reach it: what it may take of the process is bounded. A scrape takes
 * milliseconds, which are taken from the documents, and one that takes ten seconds counts as failed at the scraper.
 */
const LIMITS = { connections: 16, everyMs: 50, waitMs: 50, lifeMs: 10_000 };
/** The pause after a connection that could not be accepted, for example for want of file descriptors, in milliseconds. */
const ACCEPT_RETRY_MS = 1000;

const PATH = "/metrics";
const METHODS = ["GET", "HEAD"];

/**
 * Serves `/metrics`, and nothing else. It speaks just enough HTTP for a scraper: one request a connection, no body.
 *
 * `Deno.serve` bounds neither the number of connections nor their time: clients that never end a request could take all
 * file descriptors of the process, and with them the way to MongoDB.
 */
export class MetricsServer {
  readonly #listener: Deno.TcpListener;
  readonly #clock: Clock;
  readonly #text: () => string;
  readonly #connections: ConnectionLimit;
  readonly #stop = new AbortController();

  /**
   * Listens, so that a port that is not available is found at the start, and answers from now on.
   *
   * @param text makes what is served
   * @throws {UsageError} If the address cannot be listened on, which only another setting mends.
   * @throws {CommandError} If another process has the port: it may end.
   */
  constructor({ hostname, port }: { hostname: string; port: number }, clock: Clock, text: () => string) {
    this.#listener = listen(hostname, port);
    this.#clock = clock;
    this.#text = text;
    this.#connections = new ConnectionLimit(clock, LIMITS);
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
      await exchange(connection, (method, target) => this.#answer(method, target));
    } catch {
      // The client is gone, or its time is over.
    }
    this.#connections.close(connection);
  }

  #answer(method: string, target: string): Answer {
    const [path] = target.replace(/^https?:\/\/[^/?]*/i, "").split("?");
    if (path !== PATH) return { status: 404 };
    if (!METHODS.includes(method)) return { status: 405, headers: { Allow: METHODS.join(", ") } };
    return { status: 200, headers: { "Content-Type": PROMETHEUS_TYPE }, body: this.#text() };
  }
}

function listen(hostname: string, port: number): Deno.TcpListener {
  try {
    return Deno.listen({ hostname, port });
  } catch (error) {
    const name = `METRICS_PORT is ${port}, which`;
    if (error instanceof Deno.errors.AddrInUse) {
      throw new CommandError(
        `${name} another process listens on: set a port that is free, or a METRICS_PORT for each agent`,
        { cause: error },
      );
    }
    if (error instanceof Deno.errors.PermissionDenied) {
      throw new UsageError(`${name} user ${Deno.uid()} may not listen on: set a port above 1023`, {
        cause: error,
      });
    }
    throw new UsageError(
      `METRICS_HOST is "${hostname}", which cannot be listened on (${
        errorText(error)
      }): set it to an address of ` +
        "this pod, 0.0.0.0 or ::",
      { cause: error },
    );
  }
}
