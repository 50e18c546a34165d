import type { Pool } from "../handling/pool.ts";
import type { Ledger } from "../leases/ledger.ts";
import type { Clock } from "../lib/clock.ts";
import type { ClaimPace } from "./claim_pace.ts";
import type { DrainingGate } from "./draining_gate.ts";
import type { Intake } from "./intake.ts";
import type { Settler } from "../settling/settler.ts";
import type { LoopProgress } from "./loop_progress.ts";
import type { Standstill } from "./standstill.ts";

/** How long suspects are worked on before other documents are claimed again, in milliseconds. */
const SLICE_MS = 1000;

/**
 * Works on suspects for a while, one after the other, each with nothing else in flight. If the process ends, it is
 * known which document ended it.
 */
export class SuspectIsolation {
  readonly #options: SuspectIsolationOptions;

  constructor(options: SuspectIsolationOptions) {
    this.#options = options;
  }

  /** Returns whether there were any. Throws what a claim throws. */
  async run(claimSignal: AbortSignal): Promise<boolean> {
    const { clock, gate, intake, pace, pool, progress } = this.#options;
    const endMs = clock.monotonicMs() + SLICE_MS;
    let hadAny = false;
    do {
      if (!await this.#isEmpty(claimSignal)) return hadAny;
      // A handler that is left behind may end the process as well: an agent that has one leaves the suspects to others.
      if (!gate.isOpen || pool.leftBehind > 0 || await pace.next(1, gate.closed) === 0) return hadAny;
      progress.enter("claiming");
      const { documents } = await intake.claimSuspect();
      if (documents.length === 0) return hadAny;
      hadAny = true;
      if (!await this.#isEmpty(claimSignal)) return hadAny;
    } while (clock.monotonicMs() < endMs);
    return hadAny;
  }

  /**
   * Resolves with true once nothing is held any more. Resolves with false if claims are over, or if all that is held is
   * in doubt: then only the outcomes of other documents tell who is at fault. If no other comes for as long as a lease
   * lasts, the documents in doubt are released. Otherwise the suspects wait for them, and they wait for the suspects.
   * A pause does not end the wait: after a resume, others would be claimed beside the suspect that still runs.
   */
  async #isEmpty(claimSignal: AbortSignal): Promise<boolean> {
    const { ledger, progress } = this.#options;
    for (;;) {
      const { documents, doubted } = ledger.counts;
      if (documents === 0) return true;
      if (claimSignal.aborted || (doubted === documents && !this.#letGo())) return false;
      progress.enter("full");
      await ledger.nextRemoval(claimSignal);
    }
  }

  /** Whether the held documents are released, because all of them have been in doubt for long. */
  #letGo(): boolean {
    const { settler, standstill } = this.#options;
    if (standstill.inMs > 0 || !settler.releaseDoubted()) return false;
    standstill.restart();
    return true;
  }
}

/** What a {@linkcode SuspectIsolation} needs. */
export interface SuspectIsolationOptions {
  clock: Clock;
  gate: Pick<DrainingGate, "closed" | "isOpen">;
  intake: Intake;
  ledger: Ledger;
  pace: Pick<ClaimPace, "next">;
  pool: Pick<Pool, "leftBehind">;
  progress: LoopProgress;
  standstill: Standstill;
  settler: Pick<Settler, "releaseDoubted">;
}
