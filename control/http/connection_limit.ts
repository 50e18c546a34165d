import type { Clock } from "../../agent/lib/clock.ts";
import { sleep } from "../../agent/lib/deadline.ts";

/**
 * Keeps the number of open connections bounded, and how fast they follow each other. If all places are taken, the
 * oldest one is closed for a new one, after a moment that each may have, and rather one that has sent no request yet:
 * connections that never end cannot keep out a client that is done in milliseconds.
 */
export class ConnectionLimit {
  readonly #open = new Set<Deno.Conn>();
  readonly #clock: Clock;
  readonly #limits: ConnectionLimits;
  /** Those that have sent nothing whole yet, and when they came, the oldest first. */
  readonly #silent = new Map<Deno.Conn, number>();
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
    // One that had its moment already gives its place at once: else each of thousands that stay silent would take a
    // moment from the one that comes after them.
    const [first] = this.#silent;
    const hadMs = first === undefined ? 0 : this.#clock.monotonicMs() - first[1];
    if (hadMs < waitMs) await sleep(this.#clock, waitMs - hadMs, signal);
    const [oldest] = [...this.#silent.keys().take(1), ...this.#open.keys().take(1)];
    if (this.#open.size >= connections && oldest) this.close(oldest);
  }

  /** A connection is accepted: it is closed after its time at the latest. */
  add(connection: Deno.Conn): void {
    this.#open.add(connection);
    this.#silent.set(connection, this.#clock.monotonicMs());
    this.#pacedMs = Math.max(this.#pacedMs, this.#clock.monotonicMs()) + this.#limits.everyMs;
    const cancel = this.#clock.after(this.#limits.lifeMs, () => this.close(connection));
    this.#cancels.set(connection, cancel);
  }

  /** Its request is there: if a place is needed, one that has sent nothing yet is closed rather. */
  spare(connection: Deno.Conn): void {
    this.#silent.delete(connection);
    if (this.#open.delete(connection)) this.#open.add(connection);
  }

  /** Closes a connection, unless that has been done. */
  close(connection: Deno.Conn): void {
    this.#silent.delete(connection);
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
  /** If all places are taken, how long one keeps its place at least, in milliseconds. */
  readonly waitMs: number;
  /** The longest life of one, in milliseconds. */
  readonly lifeMs: number;
}
