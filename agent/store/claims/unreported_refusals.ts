import type { RefusedClaim } from "../../ports.ts";

/** Remembered at most. */
const MAX_UNREPORTED = 5000;

/**
 * Documents that cannot be claimed, from the moment that this is known until a claim reports them. They are kept if the
 * claim fails later on for another reason: each of them is reported once, and never if it is not reported then.
 */
export class UnreportedRefusals {
  #refused: RefusedClaim[] = [];

  add(...refused: readonly RefusedClaim[]): void {
    this.#refused.push(...refused.slice(0, MAX_UNREPORTED - this.#refused.length));
  }

  /** All of them, in their order; from now on they count as reported. */
  take(): RefusedClaim[] {
    return this.#refused.splice(0);
  }
}
