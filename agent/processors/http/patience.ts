import { backoffMs } from "../../lib/backoff.ts";
import type { Chance } from "../../lib/chance.ts";
import { ServiceError, StatusError } from "./service_error.ts";

/** A retry waits so many times as long if the service itself has failed. */
const FACTOR = 4;

/**
 * Decides how long the retry of a failed request waits. If the service itself has failed, it is longer than otherwise: a
 * short wait would spend an attempt for nothing.
 */
export class Patience {
  readonly #options: PatienceOptions;

  constructor(options: PatienceOptions) {
    this.#options = options;
  }

  /**
   * Sets the wait on the failure of a request. A service cannot put a document off for longer than a processor may, nor
   * shorten the wait for itself.
   */
  setWait(error: unknown, attempt: number): void {
    if (!(error instanceof StatusError)) return;
    const { maxSnoozeMs, retryBackoffMs, retryBackoffMaxMs } = this.#options;
    const asked = error.retryAfterMs;
    if (asked !== undefined) error.retryAfterMs = Math.min(asked, maxSnoozeMs);
    if (!(error instanceof ServiceError)) return;
    // From the half of the bound up.
    const random = () => (1 + this.#options.random()) / 2;
    const waitMs = backoffMs(attempt, { baseMs: FACTOR * retryBackoffMs, maxMs: retryBackoffMaxMs, random });
    error.retryAfterMs = Math.max(error.retryAfterMs ?? 0, waitMs);
  }
}

/** What a {@linkcode Patience} needs. Times are in milliseconds. */
export interface PatienceOptions {
  readonly random: Chance;
  readonly maxSnoozeMs: number;
  readonly retryBackoffMs: number;
  readonly retryBackoffMaxMs: number;
}
