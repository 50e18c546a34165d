import type { Held } from "../leases/ledger.ts";
import { detached } from "../lib/detached.ts";
import { type HandlerResult, isRetryable } from "../settling/outcome.ts";

/** A row of failures takes so many runs at least: one bad document can fail a whole batch. */
const RUNS = 5;
/** The end of a key that tells documents apart, in UTF-16 units: an `_id` may be huge. */
const KEY_LENGTH = 200;

/**
 * The documents that have failed in a row, without a success in between. Only first attempts count: a document that failed
 * before, while others succeeded, may be bad itself. When all good ones are done, nothing but such documents is left.
 */
export class FailureRow {
  readonly #threshold: number;
  readonly #keys = new Set<string>();

  /** @param threshold How many documents make a row; 0: none do. */
  constructor(threshold: number) {
    this.#threshold = threshold;
  }

  /** Adds the failures of a run; returns whether the row is complete. A document counts once, however often it fails. */
  add(
    run: readonly Held[],
    results: readonly HandlerResult[],
  ): boolean {
    if (this.#threshold === 0) return false;
    const most = this.#keys.size + Math.ceil(this.#threshold / RUNS);
    for (const [index, { document }] of run.entries()) {
      if (this.#keys.size >= Math.min(most, this.#threshold)) break;
      if (document.attempt > 1) continue;
      if (isRetryable(results[index]!)) this.#keys.add(detached(document.idempotencyKey.slice(-KEY_LENGTH)));
    }
    return this.#keys.size >= this.#threshold;
  }

  /** A run has succeeded. */
  end(): void {
    // To clear an empty set makes a new one inside.
    if (this.#keys.size > 0) this.#keys.clear();
  }
}
