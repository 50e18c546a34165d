import { RefusedWritesError } from "../../agent/partial_writes.ts";
import type { Ack, Claim, ClaimLimit, LookMoment, Settlement } from "../../agent/ports.ts";
import {
  type DocumentStore,
  type LeasedDocument,
  type LeftAlone,
  type Nack,
  NOTHING_CLAIMED,
} from "../../agent/ports.ts";
import { Checkpoint } from "./checkpoint.ts";
import { type FakeDocument, fakeDocument } from "./fake_document.ts";
import type { ManualClock } from "./manual_clock.ts";
import { isSuspect, NEW, type StoredDocument } from "./stored_document.ts";

export type { StoredDocument };

/** A call of the store that a test can make fail or wait. */
export type Method =
  | "claim"
  | "claimSuspect"
  | "markRunningAlone"
  | "recover"
  | "ack"
  | "nack"
  | "release"
  | "renew"
  | "deadLetter"
  | "finishVerdict";

/** A failure that the store calls transient. */
export class TransientError extends Error {}

/** A refusal that need not concern the document. */
class DoubtfulError extends Error {}

interface Plan {
  error?: Error;
  /** The write reaches the database although its answer is an error. */
  applied?: boolean;
  until?: Promise<void>;
  reached?: Checkpoint;
}

/** A collection in memory that keeps the rules of the claim protocol. */
export class FakeStore implements DocumentStore {
  readonly documents = new Map<unknown, StoredDocument>();
  /** Every call and the ids it was about, in order. */
  readonly calls: { method: Method; ids: unknown[] }[] = [];
  /** Calls of each method that were under way at once, at most. */
  readonly peak: Partial<Record<Method, number>> = {};
  /** Documents that are to be left alone, in order. */
  readonly passedOver: unknown[] = [];
  /** A write that misses some documents cannot tell which. */
  forgetsWhich = false;
  readonly #clock: ManualClock;
  readonly #leaseMs: number;
  readonly #plans: Partial<Record<Method, Plan[]>> = {};
  readonly #running: Partial<Record<Method, number>> = {};
  readonly #rejected = new Map<unknown, Method[]>();
  readonly #doubted = new Map<unknown, Method[]>();
  #claims = 0;
  #unanswered: LeasedDocument[] = [];

  constructor(clock: ManualClock, leaseMs = 60_000) {
    this.#clock = clock;
    this.#leaseMs = leaseMs;
  }

  /** Adds `count` new documents and returns their ids. */
  insert(count: number, given: Partial<StoredDocument> = {}): unknown[] {
    return Array.from({ length: count }, () => {
      const id = given.id ?? `d${this.documents.size + 1}`;
      const fresh = { ...NEW, fields: {} };
      this.documents.set(id, { ...fresh, ...given, id });
      return id;
    });
  }

  /** How many documents have each status. */
  get statuses(): Partial<Record<StoredDocument["status"], number>> {
    const counts: Partial<Record<StoredDocument["status"], number>> = {};
    for (const { status } of this.documents.values()) counts[status] = (counts[status] ?? 0) + 1;
    return counts;
  }

  /** What every call of `method` was about, call by call. */
  callsOf(method: Method): unknown[][] {
    return this.calls.filter((call) => call.method === method).map(({ ids }) => ids);
  }

  /** Makes the next call of `method` fail; `applied` where the database did it all the same. */
  fail(method: Method, error: Error, { applied = false, times = 1 } = {}): void {
    for (let each = 0; each < times; each++) this.#plan(method, { error, applied });
  }

  /** Makes the next call of `method` wait, before it has any effect, until the returned `go` is called. */
  hold(method: Method): { reached: Checkpoint; go: () => void } {
    const { promise, resolve } = Promise.withResolvers<void>();
    const reached = new Checkpoint(`store.${method}()`);
    this.#plan(method, { until: promise, reached });
    return { reached, go: resolve };
  }

  /** Makes the database refuse these writes of a document, for good. */
  reject(id: unknown, ...methods: Method[]): void {
    this.#rejected.set(id, methods);
  }

  /** Makes the database refuse these writes of a document with an error that need not concern it, or no more. */
  doubt(id: unknown, ...methods: Method[]): void {
    this.#doubted.set(id, methods);
  }

  /** Somebody else takes a document over. */
  steal(id: unknown): void {
    this.documents.get(id)!.token = "somebody else's";
  }

  claim(limit: ClaimLimit): Promise<Claim> {
    return this.#call("claim", [], () => {
      if (this.#unanswered.length > 0) {
        return { ...NOTHING_CLAIMED, documents: this.#unanswered, hasMore: true };
      }
      const token = `claim-${++this.#claims}`;
      const nowMs = this.#clock.monotonicMs();
      const documents: LeasedDocument[] = [];
      let takeovers = 0;
      let hasSuspects = false;
      for (const stored of this.documents.values()) {
        const isClaimable = stored.status === "pending" || (stored.status === "processing" && stored.token);
        if (!isClaimable || stored.visibleAtMs > nowMs || documents.length >= limit.documents) continue;
        if (isSuspect(stored)) {
          hasSuspects = true;
          continue;
        }
        if (stored.status === "processing") takeovers += 1;
        documents.push(this.#lease(stored, token));
      }
      this.#unanswered = documents;
      return {
        ...NOTHING_CLAIMED,
        documents,
        hasMore: documents.length >= limit.documents,
        takeovers,
        hasSuspects,
      };
    }).then((claim) => {
      this.#unanswered = [];
      return claim;
    });
  }

  claimSuspect(): Promise<Claim> {
    return this.#call("claimSuspect", [], () => {
      const nowMs = this.#clock.monotonicMs();
      const stored = [...this.documents.values()].find((each) =>
        isSuspect(each) && each.visibleAtMs <= nowMs && ["pending", "processing"].includes(each.status)
      );
      if (!stored) return NOTHING_CLAIMED;
      const suspect = { expiriesAlone: stored.alone };
      const document = Object.assign(this.#lease(stored, `claim-${++this.#claims}`), { suspect });
      return { ...NOTHING_CLAIMED, documents: [document], takeovers: 1 };
    });
  }
  leftAlone = (_moment: LookMoment): Promise<readonly LeftAlone[] | undefined> => Promise.resolve(undefined);
  markRunningAlone(document: LeasedDocument): Promise<number> {
    return this.#call("markRunningAlone", [document.id], () => {
      const stored = this.#held(document);
      if (stored) stored.alone = (document.suspect?.expiriesAlone ?? 0) + 1;
      return stored ? 1 : 0;
    });
  }

  recover(): Promise<readonly LeasedDocument[]> {
    return this.#call("recover", [], () => this.#unanswered.splice(0));
  }
  ack(acks: readonly Ack[]): Promise<Settlement> {
    return this.#settle("ack", acks, ({ set }) => ({ status: "processed", fields: set ?? {} }));
  }

  nack(nacks: readonly Nack[]): Promise<Settlement> {
    return this.#settle("nack", nacks, ({ error, delayMs }) => ({
      status: "pending",
      error,
      takeovers: 0,
      alone: 0,
      visibleAtMs: this.#clock.monotonicMs() + delayMs,
    }));
  }

  release(documents: readonly LeasedDocument[]): Promise<Settlement> {
    return this.#settle("release", documents.map((document) => ({ document })), ({ document }) => ({
      status: "pending",
      attempts: document.attempt - 1,
      ...(document.suspect && { alone: document.suspect.expiriesAlone }),
      visibleAtMs: 0,
    }));
  }

  async deadLetter(document: LeasedDocument, error: string): Promise<number> {
    return (await this.#settle("deadLetter", [{ document }], () => ({ status: "failed", error }))).matched;
  }

  async finishVerdict(document: LeasedDocument): Promise<number> {
    return (await this.#settle("finishVerdict", [{ document }], () => ({ status: "failed" }))).matched;
  }

  renew(documents: readonly LeasedDocument[]): Promise<readonly LeasedDocument[]> {
    return this.#call("renew", documents.map(({ id }) => id), () => {
      const nowMs = this.#clock.monotonicMs();
      return documents.filter((document) => {
        const stored = this.#held(document);
        if (!stored) return true;
        stored.visibleAtMs = nowMs + this.#leaseMs;
        document.leaseRenewed(nowMs);
        return false;
      });
    });
  }

  exclude(document: LeasedDocument): void {
    this.passedOver.push(document.id);
  }

  isTransient(error: unknown): boolean {
    return error instanceof TransientError;
  }

  isDoubtful(error: unknown): boolean {
    return error instanceof DoubtfulError;
  }

  isForbidden(_error: unknown): boolean {
    return false;
  }

  #settle<T extends { document: LeasedDocument }>(
    method: Method,
    writes: readonly T[],
    change: (write: T) => Partial<StoredDocument>,
  ): Promise<Settlement> {
    return this.#call(method, writes.map(({ document }) => document.id), () => {
      const refused = writes.find(({ document }) => this.#rejected.get(document.id)?.includes(method));
      if (refused) throw new Error(`Document failed validation: ${refused.document.id}`);
      const doubted = new Map(
        writes.entries().filter(([_, { document }]) => this.#doubted.get(document.id)?.includes(method))
          .map(([position]) => [position, new DoubtfulError("The server says something unknown")]),
      );
      const missed: LeasedDocument[] = [];
      for (const [position, write] of writes.entries()) {
        if (doubted.has(position)) continue;
        const stored = this.#held(write.document);
        if (stored) Object.assign(stored, change(write), { token: undefined });
        else missed.push(write.document);
      }
      const matched = writes.length - doubted.size - missed.length;
      const isUnclear = this.forgetsWhich && matched > 0 && missed.length > 0;
      const settlement = { matched, missed: isUnclear ? writes.map(({ document }) => document) : missed };
      if (doubted.size > 0) throw new RefusedWritesError(doubted, settlement);
      return settlement;
    });
  }

  #lease(stored: StoredDocument, token: string): FakeDocument {
    const nowMs = this.#clock.monotonicMs();
    if (stored.status === "processing") stored.takeovers += 1;
    stored.attempts += 1;
    Object.assign(stored, { status: "processing", token, visibleAtMs: nowMs + this.#leaseMs });
    const verdict = stored.verdict && { deadAt: stored.verdict };
    const { id, sizeBytes, fields, attempts: attempt } = stored;
    const lease = { token, leasedAtMs: nowMs, verdict, wasTakenOver: stored.takeovers > 0 };
    return fakeDocument({ id, attempt, sizeBytes, fields, ...lease });
  }

  #held(document: LeasedDocument): StoredDocument | undefined {
    const stored = this.documents.get(document.id);
    return stored?.status === "processing" && stored.token === document.token ? stored : undefined;
  }

  #plan(method: Method, plan: Plan): void {
    (this.#plans[method] ??= []).push(plan);
  }

  async #call<T>(method: Method, ids: unknown[], effect: () => T): Promise<T> {
    this.calls.push({ method, ids });
    const running = this.#running[method] = (this.#running[method] ?? 0) + 1;
    this.peak[method] = Math.max(this.peak[method] ?? 0, running);
    try {
      const { applied, error, reached, until } = this.#plans[method]?.shift() ?? {};
      reached?.reach();
      await until;
      if (error && !applied) throw error;
      const answer = effect();
      if (error) throw error;
      return answer;
    } finally {
      this.#running[method]! -= 1;
    }
  }
}
