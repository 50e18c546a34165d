import { RefusedWritesError } from "../../agent/partial_writes.ts";
import type { Ack, Claim, ClaimLimit, LeftAlone, LookMoment, Settlement, Snooze } from "../../agent/ports.ts";
import { type DocumentStore, type LeasedDocument, type Nack, NOTHING_CLAIMED } from "../../agent/ports.ts";
import { Checkpoint } from "./checkpoint.ts";

/** A call of the store that a test can make fail or wait. */
export type Method = Exclude<
  keyof DocumentStore,
  "leftAlone" | "exclude" | "isTransient" | "isDoubtful" | "isForbidden"
>;

/** A failure that the store calls transient. */
export class TransientError extends Error {}

/** A refusal that need not concern the document. */
export class DoubtfulError extends Error {}

/** The agent lacks a right. */
export class ForbiddenError extends Error {}

interface Plan {
  error?: Error;
  /** The write reaches the database although its answer is an error. */
  applied?: boolean;
  until?: Promise<void>;
  reached?: Checkpoint;
}

/** Any store, whose calls a test makes fail, wait, or lose their answer. */
export class FaultyStore implements DocumentStore {
  /** Every call and the ids it was about, in order. */
  readonly calls: { method: Method; ids: unknown[] }[] = [];
  /** Calls of each method that were under way at once, at most. */
  readonly peak: Partial<Record<Method, number>> = {};
  /** Documents that are to be left alone, in order. */
  readonly passedOver: unknown[] = [];
  /** A write that misses some documents cannot tell which. */
  forgetsWhich = false;
  readonly #inner: DocumentStore;
  readonly #plans: Partial<Record<Method, Plan[]>> = {};
  readonly #running: Partial<Record<Method, number>> = {};
  readonly #refusals = new Map<unknown, { methods: Method[]; error: Error }>();
  /** What claims took whose answer was lost. */
  #unanswered: LeasedDocument[] = [];

  constructor(inner: DocumentStore) {
    this.#inner = inner;
  }

  /** What every call of `method` was about, call by call. */
  callsOf(method: Method): unknown[][] {
    return this.calls.filter((call) => call.method === method).map(({ ids }) => ids);
  }

  /** Makes the next call of `method` fail; `applied` if the database does it all the same. */
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

  /** Makes the database refuse these writes of a document, for good; without any, no more. */
  reject(id: unknown, ...methods: Method[]): void {
    this.#refusals.set(id, { methods, error: new Error(`Document failed validation: ${id}`) });
  }

  /** The same with an error that need not concern the document. */
  doubt(id: unknown, ...methods: Method[]): void {
    this.#refusals.set(id, { methods, error: new DoubtfulError("The server says something unknown") });
  }

  claim(limit: ClaimLimit): Promise<Claim> {
    return this.#call("claim", [], async () => {
      const documents = await this.#recovered();
      if (documents.length > 0) return { ...NOTHING_CLAIMED, documents, hasMore: true };
      return await this.#inner.claim(limit);
    }, ({ documents }) => this.#unanswered.push(...documents));
  }

  claimSuspect(): Promise<Claim> {
    return this.#call("claimSuspect", [], async () => {
      // What a claim without an answer took would be company.
      return this.#unanswered.length > 0 ? NOTHING_CLAIMED : await this.#inner.claimSuspect();
    }, ({ documents }) => this.#unanswered.push(...documents));
  }

  leftAlone(moment: LookMoment): Promise<readonly LeftAlone[] | undefined> {
    return this.#inner.leftAlone(moment);
  }

  markRunningAlone(document: LeasedDocument): Promise<number> {
    return this.#call("markRunningAlone", [document.id], () => this.#inner.markRunningAlone(document));
  }

  recover(): Promise<readonly LeasedDocument[]> {
    return this.#call("recover", [], async () => [
      ...await this.#recovered(),
      ...await this.#inner.recover(),
    ], (documents) => this.#unanswered.push(...documents));
  }

  ack(acks: readonly Ack[]): Promise<Settlement> {
    return this.#settle("ack", acks, (left) => this.#inner.ack(left));
  }

  ackWithWrites(acks: readonly Ack[]): Promise<Settlement> {
    return this.#settle("ackWithWrites", acks, (left) => this.#inner.ackWithWrites(left));
  }

  nack(nacks: readonly Nack[]): Promise<Settlement> {
    return this.#settle("nack", nacks, (left) => this.#inner.nack(left));
  }

  release(documents: readonly LeasedDocument[]): Promise<Settlement> {
    const writes = documents.map((document) => ({ document }));
    return this.#settle("release", writes, (left) => this.#inner.release(left.map((it) => it.document)));
  }

  snooze(snoozes: readonly Snooze[]): Promise<Settlement> {
    return this.#settle("snooze", snoozes, (left) => this.#inner.snooze(left));
  }

  canceled(documents: readonly LeasedDocument[]): Promise<readonly LeasedDocument[]> {
    return this.#call("canceled", documents.map(({ id }) => id), () => this.#inner.canceled(documents));
  }

  renew(documents: readonly LeasedDocument[]): Promise<readonly LeasedDocument[]> {
    return this.#call("renew", documents.map(({ id }) => id), () => this.#inner.renew(documents));
  }

  deadLetter(document: LeasedDocument, error: string): Promise<number> {
    return this.#end("deadLetter", document, () => this.#inner.deadLetter(document, error));
  }

  finishVerdict(document: LeasedDocument): Promise<number> {
    return this.#end("finishVerdict", document, () => this.#inner.finishVerdict(document));
  }

  exclude(document: LeasedDocument, error: unknown): void {
    this.passedOver.push(document.id);
    this.#inner.exclude(document, error);
  }

  isTransient(error: unknown): boolean {
    return error instanceof TransientError || this.#inner.isTransient(error);
  }

  isDoubtful(error: unknown): boolean {
    return error instanceof DoubtfulError || this.#inner.isDoubtful(error);
  }

  isForbidden(error: unknown): boolean {
    return error instanceof ForbiddenError || this.#inner.isForbidden(error);
  }

  /** What claims without an answer took; a suspect among it is released, as it must not run beside others. */
  async #recovered(): Promise<LeasedDocument[]> {
    const [suspects, documents] = [this.#unanswered.filter(isSuspect), this.#unanswered.filter(isNone)];
    this.#unanswered = [];
    if (suspects.length > 0) await this.#inner.release(suspects);
    return documents;
  }

  /** A write on several documents, of which the database refuses some. */
  #settle<T extends { document: LeasedDocument }>(
    method: Method,
    writes: readonly T[],
    send: (writes: readonly T[]) => Promise<Settlement>,
  ): Promise<Settlement> {
    return this.#call(method, writes.map(({ document }) => document.id), async () => {
      const refusals = writes.map(({ document }) => this.#refusal(method, document));
      const left = writes.filter((_, position) => !refusals[position]);
      const others = left.length > 0 ? this.#blur(await send(left), left) : { matched: 0, missed: [] };
      if (left.length === writes.length) return others;
      const refused = refusals.entries().filter(([_, error]) => error !== undefined);
      throw new RefusedWritesError(new Map(refused), others);
    });
  }

  /** A write on one document. */
  #end(method: Method, document: LeasedDocument, send: () => Promise<number>): Promise<number> {
    return this.#call(method, [document.id], () => {
      const refusal = this.#refusal(method, document);
      if (refusal) throw refusal;
      return send();
    });
  }

  #refusal(method: Method, { id }: LeasedDocument): Error | undefined {
    const refusal = this.#refusals.get(id);
    return refusal?.methods.includes(method) ? refusal.error : undefined;
  }

  #blur(settlement: Settlement, writes: readonly { document: LeasedDocument }[]): Settlement {
    const { matched, missed } = settlement;
    const isUnclear = this.forgetsWhich && matched > 0 && missed.length > 0;
    return isUnclear ? { matched, missed: writes.map(({ document }) => document) } : settlement;
  }

  #plan(method: Method, plan: Plan): void {
    (this.#plans[method] ??= []).push(plan);
  }

  async #call<T>(
    method: Method,
    ids: unknown[],
    send: () => Promise<T>,
    lost: (answer: T) => void = () => {},
  ): Promise<T> {
    this.calls.push({ method, ids });
    const running = this.#running[method] = (this.#running[method] ?? 0) + 1;
    this.peak[method] = Math.max(this.peak[method] ?? 0, running);
    try {
      const { applied, error, reached, until } = this.#plans[method]?.shift() ?? {};
      reached?.reach();
      await until;
      if (error && !applied) throw error;
      const answer = await send();
      if (!error) return answer;
      lost(answer);
      throw error;
    } finally {
      this.#running[method]! -= 1;
    }
  }
}

function isSuspect({ suspect }: LeasedDocument): boolean {
  return suspect !== undefined;
}

function isNone(document: LeasedDocument): boolean {
  return !isSuspect(document);
}
