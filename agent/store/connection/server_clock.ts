import { BSON } from "mongodb";
import type { Clock } from "../../lib/clock.ts";

/** Observations that are kept: the best of them counts, so that one that came late does no harm. */
const KEPT = 8;

/**
 * The database server's clock, as far as it can be known from here.
 *
 * Leases are judged by the server, so they have to be written in its time; the pod's own wall clock decides nothing.
 * A server says its time T in an answer; when the answer is read, its clock stands at T or later. So T plus the
 * monotonic time since is never ahead of the server, and the greatest of several such values is the closest. A lease
 * written from it ends early by the answer's latency at the worst, never late.
 */
export class ServerClock {
  readonly #clock: Clock;
  #server: string | undefined;
  #offsetsMs: number[] = [];
  /** The most that the server's clock may be ahead of the monotonic one, as far as the last answer tells that was asked for. */
  #mostMs: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether anything is known yet. */
  get isKnown(): boolean {
    return this.#offsetsMs.length > 0;
  }

  /** Monotonic time, for {@linkcode observe}. */
  get monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  /**
   * Takes note of the time that `server`, the present primary, has just sent; returns whether it is one.
   *
   * @param askedAtMs when it was asked, by {@linkcode monotonicMs}
   */
  observe(time: unknown, server: string, askedAtMs?: number): boolean {
    const timeMs = msOf(time);
    if (timeMs === undefined) return false;
    // Another primary has another clock: observations of the last one must not count.
    if (server !== this.#server) {
      this.#offsetsMs = [];
      this.#mostMs = undefined;
    }
    this.#server = server;
    this.#offsetsMs.push(timeMs - this.#clock.monotonicMs());
    if (this.#offsetsMs.length > KEPT) this.#offsetsMs.shift();
    // What a server sends is cut to milliseconds.
    if (askedAtMs !== undefined) this.#mostMs = timeMs + 1 - askedAtMs;
    return true;
  }

  /**
   * The server's time, or a little less, plus `inMs` milliseconds.
   *
   * @throws {Error} Before the first observation.
   */
  now(inMs = 0): Date {
    if (!this.isKnown) throw new Error("The server's time is not known yet");
    return new Date(Math.floor(Math.max(...this.#offsetsMs) + this.#clock.monotonicMs() + inMs));
  }

  /**
   * The server's time, or a little more, plus `inMs` milliseconds.
   *
   * @throws {Error} Before the first observation of an answer that was asked for.
   */
  latest(inMs: number): Date {
    if (this.#mostMs === undefined) throw new Error("How far the server's time may be is not known yet");
    return new Date(Math.ceil(this.#mostMs + this.#clock.monotonicMs() + inMs));
  }
}

/** The way to a server, as far as its time needs it. */
interface WayToServer {
  /** The hosts that the connection string names. */
  readonly hosts: readonly string[];
  db(name: string): { command(command: { hello: 1 }): Promise<{ localTime?: unknown; me?: string }> };
  run<T>(operation: () => Promise<T>): Promise<T>;
}

/**
 * Asks the primary for its time, unless a heartbeat has brought it. Throws what the driver throws.
 *
 * @throws {Error} If the server tells no time.
 */
export async function syncClock(link: WayToServer, serverClock: ServerClock): Promise<void> {
  let askedAtMs = 0;
  const { localTime, me } = await link.run(() => {
    askedAtMs = serverClock.monotonicMs;
    return link.db("admin").command({ hello: 1 });
  });
  if (serverClock.observe(localTime, me ?? link.hosts[0] ?? "", askedAtMs)) return;
  throw new Error(
    "The server tells no time by which leases can be written (localTime in its answer to hello): " +
      "use a server that does, such as MongoDB",
  );
}

/**
 * The time that a server has sent, in milliseconds; undefined if it is none. Servers that are only compatible send a number
 * of 64 bits for a date.
 */
export function msOf(time: unknown): number | undefined {
  const isTime = time instanceof Date || typeof time === "number" || typeof time === "bigint" ||
    BSON.Long.isLong(time);
  const ms = isTime ? Number(time) : NaN;
  return Number.isFinite(ms) && ms > 0 ? ms : undefined;
}
