import type { RefusedClaim } from "../../ports.ts";

/** Remembered at most. */
const MAX_UNTOLD = 5000;

/**
 * Documents that cannot be claimed, from the moment this is known until a claim has told of them. They are kept if the
 * claim fails for another reason later on: each is told of once, and what is not told then is never told.
 */
export class UntoldRefusals {
  #refused: RefusedClaim[] = [];

  add(...refused: readonly RefusedClaim[]): void {
    this.#refused.push(...refused.slice(0, MAX_UNTOLD - this.#refused.length));
  }

  /** All of them, in their order; from now on they count as told. */
  take(): RefusedClaim[] {
    return this.#refused.splice(0);
  }
}
