import type { Clock } from "../../agent/lib/clock.ts";
import { sleep } from "../../agent/lib/deadline.ts";

/**
 * Keeps the number of open connections bounded, and how fast they follow each other. If all places are taken, a new
 * connection waits for a moment, then the oldest one is closed: connections that never end cannot keep out a client that
 * is done in milliseconds.
 */
export class ConnectionLimit {
  readonly #open = new Set<Deno.Conn>();
  readonly #clock: Clock;
  readonly #limits: ConnectionLimits;
  readonly #cancels = new WeakMap<Deno.Conn, () => void>();
  /** When all connections so far would have been accepted, one after the other, at the pace that is allowed. */
  #pacedMs = -Infinity;

  constructor(clock: Clock, limits: ConnectionLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Waits until a connection may be accepted. */
  async room(signal: AbortSignal): Promise<void> {
    const { connections, everyMs, waitMs } = this.#limits;
    const tooSoonMs = this.#pacedMs - (connections - 1) * everyMs - this.#clock.monotonicMs();
    if (tooSoonMs > 0) await sleep(this.#clock, tooSoonMs, signal);
    if (this.#open.size < connections) return;
    await sleep(this.#clock, waitMs, signal);
    const [oldest] = this.#open;
    if (this.#open.size >= connections && oldest) this.close(oldest);
  }

  /** A connection is accepted: it is closed after its time at the latest. */
  add(connection: Deno.Conn): void {
    this.#open.add(connection);
    this.#pacedMs = Math.max(this.#pacedMs, this.#clock.monotonicMs()) + this.#limits.everyMs;
    const cancel = this.#clock.after(this.#limits.lifeMs, () => this.close(connection));
    this.#cancels.set(connection, cancel);
  }

  /** Its request is there: if a place is needed, one that has sent nothing yet is closed rather. */
  spare(connection: Deno.Conn): void {
    if (this.#open.delete(connection)) this.#open.add(connection);
  }

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
  /** That are open at the same time, and that may follow each other at once. */
  readonly connections: number;
  /** The time for each of those that follow, in milliseconds. */
  readonly everyMs: number;
  /** How long a new one waits if all places are taken, in milliseconds. */
  readonly waitMs: number;
  /** The longest life of one, in milliseconds. */
  readonly lifeMs: number;
}
