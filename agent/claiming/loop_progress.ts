import type { Events, Stage } from "../events.ts";
import type { Clock } from "../lib/clock.ts";

/** Longest time that a claim may take if each of its operations runs into its timeout, in milliseconds. */
const CLAIM_LIMIT_MS = 60_000;

/** Time beyond its own limits that a stage is given before the loop counts as stuck, in milliseconds. */
const GRACE_MS = 30_000;

/** Reports each stage that the poll loop enters, and by when it must have left that stage. */
export class LoopProgress {
  readonly #options: LoopProgressOptions;

  constructor(options: LoopProgressOptions) {
    this.#options = options;
  }

  /** The loop enters `stage`, to sleep for `delayMs` if it is idle or limited. */
  enter(stage: Exclude<Stage, "draining">, delayMs = 0): void {
    const { clock, events, processTimeoutMs } = this.#options;
    const limitMs = {
      claiming: CLAIM_LIMIT_MS,
      full: processTimeoutMs,
      idle: delayMs,
      limited: delayMs,
      paused: Infinity,
      breaker_open: Infinity,
    }[stage];
    events.emit({ type: "progress", stage, deadlineMs: clock.monotonicMs() + limitMs + GRACE_MS });
  }
}

/** What a {@linkcode LoopProgress} needs. */
export interface LoopProgressOptions {
  clock: Clock;
  events: Events;
  processTimeoutMs: number;
}
