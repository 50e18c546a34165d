import type { Ledger } from "../leases/ledger.ts";
import type { RateLimiter } from "../pacing/rate_limiter.ts";
import type { LoopProgress } from "./loop_progress.ts";

/** Holds claims to `RATE_LIMIT`: what is claimed may start within a second. */
export class ClaimPace {
  readonly #options: ClaimPaceOptions;

  constructor(options: ClaimPaceOptions) {
    this.#options = options;
  }

  /** Resolves with how many of `most` documents may be claimed, once there are any; with 0 if `closed` aborts before. */
  async next(most: number, closed: AbortSignal): Promise<number> {
    const { ledger, limiter, progress } = this.#options;
    if (!limiter) return most;
    try {
      while (!closed.aborted) {
        const { waiting } = ledger.counts;
        const documents = limiter.claimable(most, waiting);
        if (documents > 0) return documents;
        const inMs = limiter.claimableInMs(most, waiting);
        progress.enter("limited", inMs);
        // Otherwise it is the handlers that are slow.
        limiter.hold("claims", waiting === 0);
        await limiter.change(Math.ceil(inMs), closed);
      }
      return 0;
    } finally {
      limiter.hold("claims", false);
    }
  }
}

/** What a {@linkcode ClaimPace} needs. */
export interface ClaimPaceOptions {
  ledger: Ledger;
  /** If there is a limit. */
  limiter?: RateLimiter | undefined;
  progress: LoopProgress;
}
