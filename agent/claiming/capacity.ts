import type { Breaker } from "../breaker/breaker.ts";
import type { Pool } from "../handling/pool.ts";
import type { Ledger } from "../leases/ledger.ts";
import type { Clock } from "../lib/clock.ts";
import { sleep } from "../lib/deadline.ts";
import type { ClaimLimit } from "../ports.ts";
import { MAX_DOUBTED_RESULT_BYTES, MAX_HELD_RESULT_BYTES } from "../settling/result_capacity.ts";
import type { BatchSize } from "./batch_size.ts";
import type { ClaimPace } from "./claim_pace.ts";
import type { DrainingGate } from "./draining_gate.ts";
import type { LoopProgress } from "./loop_progress.ts";
import type { Standstill } from "./standstill.ts";

/** Bytes of documents that an agent holds, at most. A single document that is larger is held alone. */
export const MAX_HELD_BYTES = 32 * 1024 * 1024;
/** Bytes of documents that a claim brings, at most: it is made only if the agent can hold all of them. */
export const MAX_CLAIM_BYTES = MAX_HELD_BYTES / 2;

/** Documents in doubt that make room for as many others, at most: each is written again and again, and its lease renewed. */
const MAX_DOUBTED = 20_000;
/** Bytes of documents in doubt and of their results that make room for as many others, at most. */
const MAX_DOUBTED_BYTES = MAX_HELD_RESULT_BYTES;

/** Handlers that may be left behind for each that may run. If there are more, nothing is claimed. */
const LEFT_BEHIND_PER_SLOT = 4;
const LOOK_AGAIN_MS = 1000;

/**
 * Says when there is room for a whole batch, and how much it may hold; with `RATE_LIMIT`, no more than may start soon.
 *
 * Documents in doubt make room for others, as what becomes of these tells whether the server or the document is at fault:
 * for one batch at once, and for one more each time that the agent stands still. If the server refuses every outcome, what
 * is held grows by no more than a batch a lease. If documents are at fault, the agent comes to those behind them.
 */
export class ClaimCapacity {
  readonly #options: ClaimCapacityOptions;
  /** Batches that those in doubt make room for, at most. */
  #batches = 1;
  /** What counts as a batch of these: the largest since the first of them. */
  #doubtedBatch = 0;

  constructor(options: ClaimCapacityOptions) {
    this.#options = options;
  }

  /** Resolves with what may be claimed once there is room; undefined once the gate is closed. */
  async wait(): Promise<ClaimLimit | undefined> {
    const { clock, gate, ledger, pace, progress, standstill } = this.#options;
    const { closed } = gate;
    await this.#forLeftBehind(closed);
    while (!closed.aborted) {
      if (this.#hasRoom()) {
        const most = this.#limit;
        const documents = await pace.next(most.documents, closed);
        if (documents === 0) return undefined;
        this.#options.batchSize.claimed();
        return { ...most, documents };
      }
      progress.enter("full");
      const limitMs = standstill.inMs;
      if (limitMs > 0) await ledger.nextRemoval(closed, { clock, limitMs });
      else {
        this.#batches += 1;
        standstill.restart();
      }
    }
    return undefined;
  }

  get #limit(): ClaimLimit {
    const { batchSize, breaker } = this.#options;
    if (breaker.wantsTrial) return { documents: 1, bytes: MAX_CLAIM_BYTES, atRandom: true };
    return { documents: batchSize.documents, bytes: MAX_CLAIM_BYTES };
  }

  #hasRoom(): boolean {
    const { batchSize: { documents: batchSize }, breaker, ledger } = this.#options;
    // A trial that waits for a slot is enough.
    if (breaker.wantsTrial && ledger.counts.waiting > 0) return false;
    const { documents, doubted, bytes, doubtedBytes, doubtedResultBytes } = ledger.counts;
    // With fewer in doubt, fewer batches are what they make room for when more are.
    const batch = this.#doubtedBatch = doubted === 0 ? batchSize : Math.max(this.#doubtedBatch, batchSize);
    const needed = Math.max(doubted / batch, doubtedBytes / MAX_CLAIM_BYTES);
    this.#batches = Math.max(1, Math.min(this.#batches, Math.ceil(needed)));
    const room = Math.min(doubted, this.#batches * batch, Math.max(batch, MAX_DOUBTED));
    const roomBytes = Math.min(doubtedBytes, this.#batches * MAX_CLAIM_BYTES) +
      Math.min(doubtedResultBytes, MAX_DOUBTED_RESULT_BYTES);
    return documents - room <= batchSize &&
      bytes - Math.min(roomBytes, MAX_DOUBTED_BYTES) <= MAX_HELD_BYTES - MAX_CLAIM_BYTES;
  }

  /**
   * With too many handlers left behind the process may soon end, so that nothing more is put at risk. If the handlers
   * do not end, the loop is late to leave its stage. The liveness probe sees that, and the pod is restarted.
   */
  async #forLeftBehind(closed: AbortSignal): Promise<void> {
    const { clock, concurrency, pool, progress } = this.#options;
    const isTooMany = () => pool.leftBehind >= LEFT_BEHIND_PER_SLOT * concurrency;
    if (isTooMany() && !closed.aborted) progress.enter("full");
    while (isTooMany() && !closed.aborted) await sleep(clock, LOOK_AGAIN_MS, closed);
  }
}

/** What a {@linkcode ClaimCapacity} needs. */
export interface ClaimCapacityOptions {
  breaker: Pick<Breaker, "wantsTrial">;
  clock: Clock;
  gate: Pick<DrainingGate, "closed">;
  ledger: Ledger;
  pace: Pick<ClaimPace, "next">;
  pool: Pick<Pool, "leftBehind">;
  progress: LoopProgress;
  standstill: Standstill;
  batchSize: BatchSize;
  /** Handlers running at once, at most. */
  concurrency: number;
}
