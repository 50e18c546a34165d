/** The reason of a drain that the agent begins itself, because nothing is left. */
export const NOTHING_LEFT = "nothing is left";

/** The reason of a drain that the agent begins itself because claims fail (`run --until-empty`). */
export const CANNOT_CLAIM = "claims fail, and no wait mends it";

/** The same if outcomes cannot be written. */
export const CANNOT_WRITE = "outcomes cannot be written, and no wait mends it";

/** The same if the processor fails for one document after the other, and goes on to. */
export const PROCESSOR_FAILS = "the processor fails for one document after the other";

/** What can drain: the agent. */
export interface Drainable {
  /** Claims nothing any more and finishes what is in flight. The first reason stays. */
  drain(reason: string): void;
}

/** What a stopped agent leaves behind. */
export interface DrainReport {
  /** Why the drain began. */
  reason: string;
  /** Documents that were finished since the drain began. */
  finished: number;
  /** Documents that were released with their attempt: not started, or their handler was aborted. */
  released: number;
  /** Documents whose outcome could not be written: their leases run out by themselves. */
  abandoned: number;
}
