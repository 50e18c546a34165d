import type { RefusedClaim } from "../../ports.ts";

/** Documents that are remembered, at most. */
const MAX_UNREPORTED = 5000;

/**
 * Documents that are known to be unclaimable, until a claim reports them. Each is reported once, and the report must
 * not be lost: they are kept if the claim fails later for another reason.
 */
export class UnreportedRefusals {
  #refused: RefusedClaim[] = [];

  add(...refused: readonly RefusedClaim[]): void {
    this.#refused.push(...refused.slice(0, MAX_UNREPORTED - this.#refused.length));
  }

  /** Whether dead letters were made of some. */
  get hasLetters(): boolean {
    return this.#refused.some(({ isDeadLetter }) => isDeadLetter);
  }

  /** All of them, in their order; from now on they count as reported. */
  take(): RefusedClaim[] {
    return this.#refused.splice(0);
  }

  /** Those that are only refused count as reported from now on. */
  dropAllButLetters(): void {
    this.#refused = this.#refused.filter(({ isDeadLetter }) => isDeadLetter);
  }
}
