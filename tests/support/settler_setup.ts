import { Events } from "../../agent/events.ts";
import { type Held, Ledger } from "../../agent/leases/ledger.ts";
import { RefusedOutcomes } from "../../agent/settling/refused_outcome.ts";
import { Settler } from "../../agent/settling/settler.ts";
import { EventRecorder } from "./event_recorder.ts";
import { FakeStore } from "./fake_store.ts";
import { ManualClock } from "./manual_clock.ts";

/** A settler on a store in memory, with documents claimed from it. */
export class SettlerSetup {
  readonly clock = new ManualClock();
  readonly store = new FakeStore(this.clock);
  readonly ledger = new Ledger();
  readonly refusedOutcomes = new RefusedOutcomes();
  readonly recorder: EventRecorder;
  /** When documents are due that were set back to pending, in milliseconds from then on. */
  readonly delays: number[] = [];
  /** How often the leases that are due were to be renewed. */
  renewals = 0;
  /** How often it was noted that documents were released. */
  releases = 0;
  readonly settler: Settler;

  constructor() {
    const events = new Events();
    this.recorder = new EventRecorder(events);
    const policy = {
      maxAttempts: 3,
      maxSnoozeMs: 60_000,
      retryBackoffMs: 1000,
      retryBackoffMaxMs: 10_000,
      random: () => 0.5,
    };
    this.settler = new Settler({
      clock: this.clock,
      random: policy.random,
      events,
      leases: { renewDue: () => void (this.renewals += 1) },
      ledger: this.ledger,
      policy,
      refusedOutcomes: this.refusedOutcomes,
      retries: {
        add: (delayMs) => void this.delays.push(delayMs),
        addReleased: () => void (this.releases += 1),
      },
      store: this.store,
    });
  }

  /** Claims `count` new documents, whose handlers run. */
  async claim(count: number): Promise<Held[]> {
    this.store.insert(count);
    const { documents } = await this.store.claim({ documents: count, bytes: 1e9 });
    const all = documents.map((document) => this.ledger.add(document));
    for (const held of all) this.ledger.start(held);
    return all;
  }

  ids(all: readonly Held[]): unknown[] {
    return all.map(({ document }) => document.id);
  }
}
