import type { Clock } from "../agent/lib/clock.ts";
import type { Counter } from "./counters.ts";

const MINUTE_MS = 60_000;
/** Counters that the last minute has. */
const RATED = ["processed", "retried", "dead_lettered", "snoozed"] as const satisfies readonly Counter[];
type Rated = (typeof RATED)[number];

/** What was counted in the last minute, in the words of the counters. */
export interface MinuteCounts extends Record<Rated, number> {
  /** How long the time is that was counted, in whole seconds: 60, or less after the start. */
  seconds: number;
}

/** What the counters said at a time. */
interface Mark extends Record<Rated, number> {
  readonly atMs: number;
}

/** Counts of the last minute: a mark for each second in which something happened, 60 at most. */
export class LastMinute {
  readonly #clock: Clock;
  readonly #totals: Readonly<Record<Rated, number>>;
  readonly #startedAtMs: number;
  readonly #marks: Mark[] = [];

  constructor(clock: Clock, totals: Readonly<Record<Rated, number>>) {
    this.#clock = clock;
    this.#totals = totals;
    this.#startedAtMs = clock.monotonicMs();
  }

  /** Call it before something is counted. */
  mark(): void {
    const atMs = this.#clock.monotonicMs();
    const last = this.#marks.at(-1);
    if (last && atMs - last.atMs < 1000) return;
    this.#forget(atMs);
    const { processed, retried, dead_lettered, snoozed } = this.#totals;
    this.#marks.push({ atMs, processed, retried, dead_lettered, snoozed });
  }

  get counts(): MinuteCounts {
    const now = this.#clock.monotonicMs();
    this.#forget(now);
    const before = this.#marks[0] ?? this.#totals;
    const seconds = Math.max(1, Math.floor(Math.min(MINUTE_MS, now - this.#startedAtMs) / 1000));
    const since = (name: Rated) => this.#totals[name] - before[name];
    return {
      seconds,
      processed: since("processed"),
      retried: since("retried"),
      dead_lettered: since("dead_lettered"),
      snoozed: since("snoozed"),
    };
  }

  #forget(now: number): void {
    while (this.#marks.length > 0 && this.#marks[0]!.atMs <= now - MINUTE_MS) this.#marks.shift();
  }
}
