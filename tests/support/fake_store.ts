import { FaultyStore } from "./faulty_store.ts";
import type { ManualClock } from "./manual_clock.ts";
import { MemoryStore, type MemoryStoreOptions } from "./memory_store.ts";
import { NEW, type StoredDocument } from "./stored_document.ts";

export { TransientError } from "./faulty_store.ts";

/** A collection in memory for the unit tests of the agent, on a manual clock and with faults as a test plans them. */
export class FakeStore extends FaultyStore {
  readonly documents: Map<unknown, StoredDocument>;

  constructor(clock: ManualClock, leaseMs = 60_000, shared: Partial<MemoryStoreOptions> = {}) {
    const { documents = new Map(), letters = new Map(), maxAttempts = 5, targets = new Map() } = shared;
    super(new MemoryStore({ clock, leaseMs, maxAttempts, documents, letters, targets }));
    this.documents = documents;
  }

  /** Adds `count` new documents and returns their ids. */
  insert(count: number, given: Partial<StoredDocument> = {}): unknown[] {
    return Array.from({ length: count }, () => {
      const id = given.id ?? `d${this.documents.size + 1}`;
      this.documents.set(id, { ...NEW, fields: {}, ...given, id });
      return id;
    });
  }

  /** How many documents have each status. */
  get statuses(): Partial<Record<StoredDocument["status"], number>> {
    const counts: Partial<Record<StoredDocument["status"], number>> = {};
    for (const { status } of this.documents.values()) counts[status] = (counts[status] ?? 0) + 1;
    return counts;
  }

  /** Another agent takes a document over. */
  steal(id: unknown): void {
    this.documents.get(id)!.token = "another agent's";
  }
}
