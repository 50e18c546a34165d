import type { Ledger, RemovalWatcher } from "../leases/ledger.ts";
import type { Clock } from "../lib/clock.ts";

/**
 * Says whether an agent stands still: for as long as a lease lasts it has held nothing but documents whose outcome is in
 * doubt, and none of them left. Only another document's outcome says more, and what is held brings none.
 */
export class Standstill implements RemovalWatcher {
  readonly #options: StandstillOptions;
  #sinceMs: number;

  constructor(options: StandstillOptions) {
    this.#options = options;
    this.#sinceMs = options.clock.monotonicMs();
    options.ledger.watch(this);
  }

  /** A document left, or is in doubt from now on: without one of these two nothing but doubts comes to be held. */
  documentLeft(): void {
    this.restart();
  }

  /** It was acted upon: from now on it has to last anew. */
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
