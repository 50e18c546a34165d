import type { Ledger, RemovalWatcher } from "../leases/ledger.ts";
import type { Clock } from "../lib/clock.ts";

/**
 * Tells whether an agent stands still: for as long as a lease lasts, it has held only documents whose outcome is in
 * doubt, and none of them has left. Only the outcome of another document can end the doubt, and the held documents
 * bring none.
 */
export class Standstill implements RemovalWatcher {
  readonly #options: StandstillOptions;
  #sinceMs: number;

  constructor(options: StandstillOptions) {
    this.#options = options;
    this.#sinceMs = options.clock.monotonicMs();
    options.ledger.watch(this);
  }

  /**
   * A document has left, or is in doubt from now on: one of these comes before the agent holds nothing but documents in
   * doubt.
   */
  documentLeft(): void {
    this.restart();
  }

  /** The agent has acted on it: from now on the time begins anew. */
  restart(): void {
    this.#sinceMs = this.#options.clock.monotonicMs();
  }

  /** How long until the agent stands still, in milliseconds: 0 if it does, infinite as long as it holds anything else. */
  get inMs(): number {
    const { clock, leaseMs, ledger } = this.#options;
    const { documents, doubted } = ledger.counts;
    if (documents === 0 || doubted < documents) return Infinity;
    return Math.max(0, this.#sinceMs + leaseMs - clock.monotonicMs());
  }
}

/** What a {@linkcode Standstill} needs. */
export interface StandstillOptions {
  clock: Clock;
  ledger: Ledger;
  leaseMs: number;
}
