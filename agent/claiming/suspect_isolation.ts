import type { Clock } from "../lib/clock.ts";
import type { Ledger } from "../leases/ledger.ts";
import type { DocumentStore, LeasedDocument, PauseGate } from "../ports.ts";

/** What a {@linkcode SuspectIsolation} needs. */
export interface SuspectIsolationOptions {
  clock: Clock;
  gate: PauseGate;
  ledger: Ledger;
  store: DocumentStore;
  /** Handlers that were given up and go on all the same. */
  stuckHandlers(): number;
  /** Told of what it does, for the loop's progress. */
  enter(stage: "claiming" | "full"): void;
  /** Claims what `send` brings, reports it and hands it to be processed; returns how many documents there were. */
  claim(send: () => Promise<LeasedDocument | undefined>): Promise<number>;
}

/** How long suspects are worked on before other documents get their turn again, in milliseconds. */
const TURN_MS = 1000;

/**
 * Works on suspects for a while, one after the other, each with nothing else in flight: if the process ends, it is
 * known whom to blame.
 */
export class SuspectIsolation {
  readonly #options: SuspectIsolationOptions;

  constructor(options: SuspectIsolationOptions) {
    this.#options = options;
  }

  /** Returns whether there were any. Throws what a claim throws. */
  async take(claimSignal: AbortSignal): Promise<boolean> {
    const { claim, clock, enter, gate, stuckHandlers, store } = this.#options;
    const endMs = clock.monotonicMs() + TURN_MS;
    let hadAny = false;
    do {
      if (!await this.#isEmpty(claimSignal)) return hadAny;
      // A handler left behind is company, too: who has one leaves the suspects to others.
      if (!gate.isOpen || stuckHandlers() > 0) return hadAny;
      enter("claiming");
      if (await claim(() => store.claimSuspect()) === 0) return hadAny;
      hadAny = true;
      if (!await this.#isEmpty(claimSignal)) return hadAny;
    } while (clock.monotonicMs() < endMs);
    return hadAny;
  }

  /**
   * Resolves with true once nothing is held any more; with false if claims are over, or if what is held waits for other
   * documents: of those in doubt only the outcomes of others tell who is at fault.
   */
  async #isEmpty(claimSignal: AbortSignal): Promise<boolean> {
    const { enter, ledger } = this.#options;
    for (;;) {
      const { documents, doubted } = ledger.counts;
      if (documents === 0) return true;
      if (claimSignal.aborted || doubted === documents) return false;
      enter("full");
      await ledger.nextRemoval(claimSignal);
    }
  }
}
