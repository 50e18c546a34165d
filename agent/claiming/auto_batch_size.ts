import type { HandlerLoad } from "../handling/pool.ts";
import type { Ledger } from "../leases/ledger.ts";
import type { Clock } from "../lib/clock.ts";
import type { BatchSize } from "./batch_size.ts";

/** What a claim takes as long as nothing is known of the handlers. A processor of batches gets no more at once. */
export const FIRST_BATCH = 100;
/** What a claim takes at most: more makes the agent hardly faster. */
export const LARGEST_BATCH = 5000;

/** A claim takes what the handlers finish in this time, in milliseconds. As twice as much is held, that is a second's worth. */
const AHEAD_MS = 500;
/** Nor does it take more than what they finish in this share of a lease. */
const LEASE_SHARE = 8;

/**
 * The size of claims with `BATCH_SIZE=auto`: what the handlers finish in half a second. As the agent holds up to two
 * batches, it holds what they finish in about a second.
 *
 * - Time counts only while documents are with the handlers. So the size tells how fast the handlers are, not how many
 *   documents there were.
 * - A claim takes at most twice what has been finished since one of the last two claims. So the size grows with the work that
 *   is done, step by step: after an idle time, or if few documents wait, an agent leaves the others their share. The last
 *   two, because the next claim is often sent before the first document of the last one is finished.
 * - A claim takes enough for all slots. Handlers that are slower than that hold what they run, and as many that wait.
 *
 * If handlers become slow, nothing is claimed until the agent holds as little as the new size says. What waits by then is
 * released if the handlers will not come to it in a fraction of the lease: see {@linkcode AutoBatchSize.mayWait}.
 */
export class AutoBatchSize implements BatchSize, HandlerLoad {
  readonly #options: AutoBatchSizeOptions;
  readonly #least: number;
  /** Finished in half a second, as of late. */
  readonly #soon: Lately;
  /** Finished in a share of a lease, as of late. */
  readonly #inLease: Lately;
  /** Finished since the last claim was sent, and between the one before and that one. */
  #sinceLast = 0;
  #sinceOneBefore = 0;
  /** Whether documents are with the handlers, as of the last change. */
  #isBusy = false;
  #atMs: number;

  constructor(options: AutoBatchSizeOptions) {
    const { clock, leaseMs, slots } = options;
    const leaseShareMs = leaseMs / LEASE_SHARE;
    this.#options = options;
    this.#atMs = clock.monotonicMs();
    this.#least = Math.min(slots, LARGEST_BATCH);
    this.#soon = new Lately({
      first: FIRST_BATCH,
      most: LARGEST_BATCH,
      spanMs: Math.min(AHEAD_MS, leaseShareMs),
    });
    // Twice as many: a short standstill of the handlers does not make the agent release anything.
    this.#inLease = new Lately({ first: FIRST_BATCH, most: 2 * LARGEST_BATCH, spanMs: leaseShareMs });
  }

  get documents(): number {
    this.#pass();
    const seen = Math.max(FIRST_BATCH, 2 * Math.max(this.#sinceLast, this.#sinceOneBefore));
    return Math.max(this.#least, Math.floor(Math.min(this.#soon.count, seen)));
  }

  /** Documents that may wait for their handlers beside those that run: twice what these finish in a share of a lease. */
  get mayWait(): number {
    this.#pass();
    const { running } = this.#options.ledger.counts;
    return Math.max(0, 2 * Math.max(this.#least, Math.floor(this.#inLease.count)) - running);
  }

  claimed(): void {
    this.#sinceOneBefore = this.#sinceLast;
    this.#sinceLast = 0;
  }

  changed(): void {
    this.#pass();
    const { running, waiting } = this.#options.ledger.counts;
    this.#isBusy = running + waiting > 0;
  }

  finished(documents: number): void {
    this.changed();
    this.#soon.add(documents);
    this.#inLease.add(documents);
    this.#sinceLast += documents;
  }

  #pass(): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#isBusy) {
      this.#soon.pass(nowMs - this.#atMs);
      this.#inLease.pass(nowMs - this.#atMs);
    }
    this.#atMs = nowMs;
  }
}

/** A number of documents that fades: at a steady rate, it is what comes in the span. */
class Lately {
  readonly #most: number;
  readonly #spanMs: number;
  #count: number;

  constructor({ first, most, spanMs }: { first: number; most: number; spanMs: number }) {
    this.#count = first;
    this.#most = most;
    this.#spanMs = spanMs;
  }

  get count(): number {
    return this.#count;
  }

  pass(ms: number): void {
    if (ms > 0) this.#count *= Math.exp(-ms / this.#spanMs);
  }

  add(documents: number): void {
    this.#count = Math.min(this.#most, this.#count + documents);
  }
}

/** What an {@linkcode AutoBatchSize} needs. */
export interface AutoBatchSizeOptions {
  clock: Clock;
  ledger: Pick<Ledger, "counts">;
  leaseMs: number;
  /** Documents that a claim takes at least, so that no slot is empty. */
  slots: number;
}
