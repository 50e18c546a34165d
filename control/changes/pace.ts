import type { Clock } from "../../agent/lib/clock.ts";
import { sleep } from "../../agent/lib/deadline.ts";

/** Parts of a second in which a pace is held. */
const STEPS_PER_SECOND = 10;

/**
 * Holds work to so many items a second. What was not used while the work waited for something else is not made up for:
 * no second has more than the pace allows, give or take a step.
 */
export class Pace {
  /** Items to do at once, at most. */
  readonly step: number;
  readonly #perSecond: number;
  readonly #clock: Clock;
  readonly #signal: AbortSignal | undefined;
  #freeAtMs: number;

  constructor({ atOnce, clock, perSecond = Infinity, signal }: PaceOptions) {
    this.step = Math.max(1, Math.min(atOnce, Math.floor(perSecond / STEPS_PER_SECOND)));
    this.#perSecond = perSecond;
    this.#clock = clock;
    this.#signal = signal;
    this.#freeAtMs = clock.monotonicMs();
  }

  /** Resolves when so many items may be done, or when the signal aborts. */
  async next(items: number): Promise<void> {
    if (this.#perSecond === Infinity) return;
    const now = this.#clock.monotonicMs();
    const startMs = Math.max(now, this.#freeAtMs);
    this.#freeAtMs = startMs + 1000 * items / this.#perSecond;
    if (startMs > now) await sleep(this.#clock, startMs - now, this.#signal);
  }
}

/** What a {@linkcode Pace} needs. */
export interface PaceOptions {
  clock: Clock;
  /** Items a second; without it there is no limit. */
  perSecond?: number | undefined;
  /** Items that may be done at once, for any pace. */
  atOnce: number;
  signal?: AbortSignal | undefined;
}
