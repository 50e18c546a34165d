import type { Pool } from "../handling/pool.ts";
import type { Ledger } from "../leases/ledger.ts";
import type { Clock } from "../lib/clock.ts";
import { sleep } from "../lib/deadline.ts";
import type { ClaimLimit, PauseGate } from "../ports.ts";
import { MAX_DOUBTED_RESULT_BYTES } from "../settling/result_capacity.ts";
import type { LoopProgress } from "./loop_progress.ts";

/** What a {@linkcode ClaimCapacity} needs. */
export interface ClaimCapacityOptions {
  clock: Clock;
  gate: PauseGate;
  ledger: Ledger;
  pool: Pick<Pool, "stuckHandlers">;
  progress: LoopProgress;
  batchSize: number;
  /** Handlers running at once, at most. */
  concurrency: number;
}

/** Bytes of documents an agent holds at the most; a single larger document is held alone. */
export const MAX_HELD_BYTES = 32 * 1024 * 1024;
/** A claim is made only where all that it may bring fits. */
const MAX_CLAIM_BYTES = MAX_HELD_BYTES / 2;

/** Handlers that may be left behind for each that may run; beyond that nothing is claimed. */
const LEFT_BEHIND_PER_SLOT = 4;
const LOOK_AGAIN_MS = 1000;

/** Says when there is room for a whole batch, and how much it may hold. */
export class ClaimCapacity {
  readonly #options: ClaimCapacityOptions;

  constructor(options: ClaimCapacityOptions) {
    this.#options = options;
  }

  /** Resolves with what may be claimed once there is room; undefined where claims are over or paused. */
  async wait(claimSignal: AbortSignal): Promise<ClaimLimit | undefined> {
    const { batchSize, gate, ledger, progress } = this.#options;
    await this.#forLeftBehind(claimSignal);
    while (!claimSignal.aborted && gate.isOpen) {
      const { documents, doubted, bytes, doubtedBytes, doubtedResultBytes } = ledger.counts;
      // Those in doubt make room for others: what becomes of these tells whether the server or the document is at fault.
      const certain = documents - Math.min(doubted, batchSize);
      const certainBytes = bytes - Math.min(doubtedBytes, MAX_CLAIM_BYTES) -
        Math.min(doubtedResultBytes, MAX_DOUBTED_RESULT_BYTES);
      if (certain <= batchSize && certainBytes <= MAX_HELD_BYTES - MAX_CLAIM_BYTES) {
        return { documents: batchSize, bytes: MAX_CLAIM_BYTES };
      }
      progress.enter("full");
      await ledger.nextRemoval(claimSignal);
    }
    return undefined;
  }

  /**
   * With too many handlers left behind the process is on its way to its end, and nothing more is put at risk. If they do
   * not end, the loop is late to leave its stage, the liveness probe sees it, and the pod is restarted.
   */
  async #forLeftBehind(claimSignal: AbortSignal): Promise<void> {
    const { clock, concurrency, pool, progress } = this.#options;
    const isTooMany = () => pool.stuckHandlers >= LEFT_BEHIND_PER_SLOT * concurrency;
    if (isTooMany()) progress.enter("full");
    while (isTooMany() && !claimSignal.aborted) await sleep(clock, LOOK_AGAIN_MS, claimSignal);
  }
}
