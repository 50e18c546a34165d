import type { Clock } from "../../agent/lib/clock.ts";
import { sleep } from "../../agent/lib/deadline.ts";

/**
 * Keeps the number of open connections bounded. If all places are taken, a new connection waits for a moment, then the
 * oldest one is closed: connections that never end cannot keep a scraper out, which is done in milliseconds.
 */
export class ConnectionLimit {
  readonly #open = new Set<Deno.Conn>();
  readonly #clock: Clock;
  readonly #limits: ConnectionLimits;

  constructor(clock: Clock, limits: ConnectionLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Waits until a connection may be accepted. */
  async room(signal: AbortSignal): Promise<void> {
    const { connections, waitMs } = this.#limits;
    if (this.#open.size < connections) return;
    await sleep(this.#clock, waitMs, signal);
    const [oldest] = this.#open;
    if (this.#open.size >= connections && oldest) this.close(oldest);
  }

  /** A connection is accepted: it is closed after its time at the latest. */
  add(connection: Deno.Conn): void {
    this.#open.add(connection);
    const cancel = this.#clock.after(this.#limits.lifeMs, () => this.close(connection));
    this.#cancels.set(connection, cancel);
  }

  readonly #cancels = new WeakMap<Deno.Conn, () => void>();

  /** Closes a connection, unless that has been done. */
  close(connection: Deno.Conn): void {
    if (!this.#open.delete(connection)) return;
    this.#cancels.get(connection)?.();
    connection.close();
  }

  /** Closes all of them. */
  closeAll(): void {
    for (const connection of this.#open) this.close(connection);
  }
}

/** What {@linkcode ConnectionLimit} allows. */
export interface ConnectionLimits {
  /** That are open at the same time. */
  readonly connections: number;
  /** How long a new one waits if all places are taken, in milliseconds. */
  readonly waitMs: number;
  /** The longest life of one, in milliseconds. */
  readonly lifeMs: number;
}
