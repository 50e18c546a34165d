import { systemClock } from "../../agent/lib/clock.ts";
import { Pace } from "./pace.ts";

/** Holds work on many documents to a pace, and ends it between two batches. */
export class Brake {
  /** Items of a batch, at most. */
  readonly step: number;
  readonly #pace: Pace;
  readonly #signal: AbortSignal | undefined;

  constructor({ atOnce, perSecond, signal }: BrakeOptions) {
    this.#pace = new Pace({ clock: systemClock, atOnce, perSecond, signal });
    this.#signal = signal;
    this.step = this.#pace.step;
  }

  /** Whether the work has to end. */
  get isStopped(): boolean {
    return this.#signal?.aborted ?? false;
  }

  /** Waits until a batch of so many may be done; returns `false` if it may not, as the work has to end. */
  async pass(items: number): Promise<boolean> {
    if (this.isStopped) return false;
    await this.#pace.next(items);
    return !this.isStopped;
  }
}

/** What a {@linkcode Brake} needs. */
export interface BrakeOptions {
  /** Items of a batch, at most, for any pace. */
  atOnce: number;
  /** Items a second; without it there is no limit. */
  perSecond: number | undefined;
  /** Ends the work. */
  signal: AbortSignal | undefined;
}
