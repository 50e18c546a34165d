import type { Ledger } from "../leases/ledger.ts";

/** Bytes of results that wait to be written, at most; a single larger one is held alone. */
export const MAX_RESULT_BYTES = 16 * 1024 * 1024;

/**
 * Bytes of results that are held, at most: about a third of the heap. Handlers that run before the size of their
 * results is known may all return at once. A result beyond this limit is dropped.
 */
export const MAX_HELD_RESULT_BYTES = 96 * 1024 * 1024;

/**
 * Bytes of results in doubt that make room for as many others, at most. The outcomes of the others tell whether the
 * server or the document is at fault.
 */
export const MAX_DOUBTED_RESULT_BYTES = MAX_HELD_RESULT_BYTES - MAX_RESULT_BYTES;

/** The share of the expected size that is still expected after a result that was smaller. */
const FORGETTING = 0.9;

/**
 * Decides how many documents may start, so that their results do not fill the memory. Results that wait to be written
 * count, and for each running handler the size of the largest recent result. Until a first result is known, nothing is
 * held back: to wait for it would make the start of every agent slower for the sake of a few. If large results come at
 * once and cannot all be held, some of their documents run again, and by then the size is known.
 *
 * Measured: a first burst of 16 results of 15 MiB peaks at 475 MiB, of which the handlers themselves hold 240. Beginning
 * with 4 handlers would peak at 344 MiB, and make the first round of slow handlers take four times as long in every agent.
 */
export class ResultCapacity {
  readonly #ledger: Ledger;
  #expectedBytes = 0;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** How many of `wanted` documents may start now. */
  fits(wanted: number): number {
    if (this.#expectedBytes < 1) return wanted;
    const { doubtedResultBytes, resultBytes, running } = this.#ledger.counts;
    const certainBytes = resultBytes - Math.min(doubtedResultBytes, MAX_DOUBTED_RESULT_BYTES);
    const free = MAX_RESULT_BYTES - certainBytes - running * this.#expectedBytes;
    const fitting = Math.floor(free / this.#expectedBytes);
    if (fitting >= 1) return Math.min(wanted, fitting);
    return certainBytes === 0 && running === 0 ? 1 : 0;
  }

  /** Whether a result of this many bytes can be held beside the present ones. */
  canHold(bytes: number): boolean {
    const { resultBytes } = this.#ledger.counts;
    return resultBytes === 0 || resultBytes + bytes <= MAX_HELD_RESULT_BYTES;
  }

  /** Notes the size of a document's result. */
  learn(bytes: number): void {
    this.#expectedBytes = Math.max(bytes, this.#expectedBytes * FORGETTING);
  }
}
