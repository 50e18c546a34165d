import type { Document } from "../../../agent/ports.ts";
import { testDocumentStore } from "../../contract/document_store.ts";
import {
  type Given,
  LEASE_MS,
  type Lossy,
  MAX_ATTEMPTS,
  type Stored,
  type Subject,
  TARGET,
} from "../../contract/subject.ts";
import { FakeStore, TransientError } from "../../support/fake_store.ts";
import { DoubtfulError, ForbiddenError } from "../../support/faulty_store.ts";
import type { MemoryCollections } from "../../support/memory_effects.ts";
import { ManualClock } from "../../support/manual_clock.ts";

/** When leases expired that agents left behind, by the manual clock. */
const LONG_AGO_MS = 1;

/** The store of the unit tests. */
class FakeSubject implements Subject {
  readonly errors = {
    transient: new TransientError("no primary"),
    doubtful: new DoubtfulError("something unknown"),
    forbidden: new ForbiddenError("not authorized"),
    other: new TypeError("a mistake of the agent's own"),
  };
  readonly store: FakeStore;
  readonly other: FakeStore;
  readonly #clock = new ManualClock();
  readonly #targets: MemoryCollections = new Map();
  readonly #letters = new Map<unknown, string | undefined>();

  constructor() {
    const shared = {
      documents: new Map(),
      letters: this.#letters,
      maxAttempts: MAX_ATTEMPTS,
      targets: this.#targets,
    };
    this.store = new FakeStore(this.#clock, LEASE_MS, shared);
    this.other = new FakeStore(this.#clock, LEASE_MS, shared);
  }

  insert(...given: Given[]): Promise<void> {
    for (const { dueInMs, expired, verdict, ...rest } of given) {
      const visibleAtMs = dueInMs === undefined ? undefined : this.#clock.monotonicMs() + dueInMs;
      const lease = expired && { status: "processing", token: "gone", visibleAtMs: LONG_AGO_MS } as const;
      const judged = verdict !== undefined && { verdict: new Date(0), error: verdict };
      const attempts = expired && 1;
      this.store.insert(1, {
        ...rest,
        visibleAtMs,
        ...(attempts && { attempts }),
        ...expired,
        ...lease,
        ...judged,
      });
    }
    return Promise.resolve();
  }

  stored(id: string): Promise<Stored> {
    const stored = this.store.documents.get(id)!;
    const { alone, attempts, error, fields, saved, snoozes, status, takeovers, token } = stored;
    const isLeased = token !== undefined;
    const bookkeeping = { attempts, takeovers, snoozes, saved, alone, isLeased };
    return Promise.resolve({ status, ...bookkeeping, error, fields: { ...fields } });
  }

  letter(id: string): Promise<string | undefined> {
    return Promise.resolve(this.#letters.get(id));
  }

  targets(): Promise<Document[]> {
    const documents = [...this.#targets.get(TARGET)?.values() ?? []];
    return Promise.resolve(documents.toSorted((one, other) => (one._id < other._id ? -1 : 1)));
  }

  expireLease(id: string): Promise<void> {
    this.store.documents.get(id)!.visibleAtMs = LONG_AGO_MS;
    return Promise.resolve();
  }

  cancel(id: string): Promise<void> {
    Object.assign(this.store.documents.get(id)!, { status: "canceled", token: undefined });
    return Promise.resolve();
  }

  loseAnswer(method: Lossy): void {
    this.store.fail(method === "save" ? "renew" : method, new TransientError("connection reset"), {
      applied: true,
    });
  }

  refuse(id: string): Promise<void> {
    this.store.reject(id, "ack", "ackWithWrites", "nack", "release", "snooze", "deadLetter", "finishVerdict");
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

testDocumentStore("FakeStore", () => Promise.resolve(new FakeSubject()));
