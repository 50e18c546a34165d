import { RefusedWritesError } from "../../agent/partial_writes.ts";
import type {
  Ack,
  Checkpoint,
  Claim,
  ClaimLimit,
  DocumentStore,
  LeftAlone,
  LookMoment,
  Settlement,
  Snooze,
} from "../../agent/ports.ts";
import { type LeasedDocument, type Nack, NOTHING_CLAIMED } from "../../agent/ports.ts";
import { type FakeDocument, fakeDocument } from "./fake_document.ts";
import { makeEffects, type MemoryCollections } from "./memory_effects.ts";
import type { ManualClock } from "./manual_clock.ts";
import {
  byClaimOrder,
  EXPIRIES_ALONE,
  fromPlace,
  isSuspect,
  type StoredDocument,
} from "./stored_document.ts";

/** A document that was excluded is left alone for so long, in milliseconds; so long passes between two looks for those. */
const LEFT_ALONE_MS = 60_000;

/** What a {@linkcode MemoryStore} works on. */
export interface MemoryStoreOptions {
  clock: ManualClock;
  leaseMs: number;
  maxAttempts: number;
  /** The collection, which agents share. */
  documents: Map<unknown, StoredDocument>;
  /** The dead letters by the ids of their documents, and why they are ones. */
  letters: Map<unknown, string | undefined>;
  /** The collections that processors write to. */
  targets: MemoryCollections;
}

/** An ack leaves only the attempts of the bookkeeping. */
const PROCESSED = {
  status: "processed",
  error: undefined,
  takeovers: 0,
  snoozes: 0,
  saved: undefined,
  alone: 0,
  visibleAtMs: undefined,
} as const;

let claims = 0;

/** A collection in memory that keeps the rules of the claim protocol, as the contract suite checks (`tests/contract`). */
export class MemoryStore implements DocumentStore {
  /** Documents that are to be left alone: until when, and why. */
  readonly #excluded = new Map<unknown, { untilMs: number; error: unknown }>();
  readonly #options: MemoryStoreOptions;
  #lookedAtMs = -Infinity;
  /** The place of the last claim at random. */
  #places = 0;

  constructor(options: MemoryStoreOptions) {
    this.#options = options;
  }

  claim(limit: ClaimLimit): Promise<Claim> {
    const due = this.#due().toSorted(byClaimOrder);
    let claimable = due.filter((stored) => !isSuspect(stored));
    if (limit.atRandom) claimable = fromPlace(this.#places += 7, claimable);
    let bytes = 0;
    let count = claimable.findIndex(({ sizeBytes }) => (bytes += sizeBytes) > limit.bytes);
    count = Math.min(count < 0 ? claimable.length : Math.max(count, 1), limit.documents);
    const taken = claimable.slice(0, count);
    const takeovers = taken.filter(({ status }) => status === "processing").length;
    const token = newToken();
    return Promise.resolve({
      ...NOTHING_CLAIMED,
      documents: taken.map((stored) => {
        if (stored.status === "processing") stored.takeovers += 1;
        else stored.attempts += 1;
        return this.#lease(stored, token);
      }),
      hasMore: count === limit.documents || count < claimable.length,
      takeovers,
      hasSuspects: claimable.length < due.length,
    });
  }

  claimSuspect(): Promise<Claim> {
    const stored = this.#due().find(isSuspect);
    if (!stored) return Promise.resolve(NOTHING_CLAIMED);
    const suspect = { expiriesAlone: stored.alone };
    const isExpired = stored.status === "processing";
    const hadItsAttempt = stored.alone > 0 && stored.attempts < this.#options.maxAttempts;
    if (!isExpired || hadItsAttempt) stored.attempts += 1;
    if (isExpired) stored.takeovers += 1;
    const document = Object.assign(this.#lease(stored, newToken()), { suspect });
    return Promise.resolve({ ...NOTHING_CLAIMED, documents: [document], takeovers: 1 });
  }

  leftAlone(moment: LookMoment): Promise<readonly LeftAlone[] | undefined> {
    const nowMs = this.#nowMs;
    if (moment !== "last" && nowMs - this.#lookedAtMs < LEFT_ALONE_MS) return Promise.resolve(undefined);
    this.#lookedAtMs = nowMs;
    const groups = [...this.#excluded].flatMap(([example, { error: reason }]) => {
      const stored = this.#options.documents.get(example);
      return stored && waits(stored, nowMs) ? [{ documents: 1, isMore: false, example, reason }] : [];
    });
    return Promise.resolve(groups);
  }

  markRunningAlone(document: LeasedDocument): Promise<number> {
    const stored = this.#held(document);
    if (!stored || stored.visibleAtMs! <= this.#nowMs) return Promise.resolve(0);
    stored.alone = (document.suspect?.expiriesAlone ?? 0) + 1;
    return Promise.resolve(1);
  }

  /** Nothing: no answer is ever lost here. */
  recover(): Promise<readonly LeasedDocument[]> {
    return Promise.resolve([]);
  }

  ack(acks: readonly Ack[]): Promise<Settlement> {
    return this.#settle(acks, (stored, { set }) => {
      Object.assign(stored.fields, set);
      return { ...PROCESSED };
    });
  }

  async ackWithWrites(acks: readonly Ack[]): Promise<Settlement> {
    const refused = new Map<number, unknown>();
    const made: Ack[] = [];
    const missed: LeasedDocument[] = [];
    for (const [position, ack] of acks.entries()) {
      if (!this.#held(ack.document)) missed.push(ack.document);
      else {
        try {
          makeEffects(this.#options.targets, ack.writes ?? []);
          made.push(ack);
        } catch (error) {
          refused.set(position, error);
        }
      }
    }
    const others = { matched: (await this.ack(made)).matched, missed };
    if (refused.size > 0) throw new RefusedWritesError(refused, others);
    return others;
  }

  nack(nacks: readonly Nack[]): Promise<Settlement> {
    return this.#settle(nacks, (stored, { document, error, delayMs, withoutError }) => ({
      status: "pending",
      saved: save(stored, document),
      ...(!withoutError && { error }),
      takeovers: 0,
      alone: 0,
      visibleAtMs: this.#nowMs + delayMs,
    }));
  }

  release(documents: readonly LeasedDocument[]): Promise<Settlement> {
    return this.#settle(documents.map((document) => ({ document })), (stored, { document }) => ({
      status: "pending",
      attempts: stored.attempts - 1,
      saved: save(stored, document),
      ...(document.suspect && { alone: document.suspect.expiriesAlone }),
      visibleAtMs: this.#nowMs,
    }));
  }

  snooze(snoozes: readonly Snooze[]): Promise<Settlement> {
    return this.#settle(snoozes, (stored, { document, snoozeMs }) => ({
      status: "pending",
      attempts: stored.attempts - 1,
      snoozes: stored.snoozes + 1,
      saved: save(stored, document),
      ...(document.suspect && { alone: document.suspect.expiriesAlone }),
      visibleAtMs: this.#nowMs + snoozeMs,
    }));
  }

  renew(documents: readonly LeasedDocument[]): Promise<readonly LeasedDocument[]> {
    const nowMs = this.#nowMs;
    return Promise.resolve(documents.filter((document) => {
      const stored = this.#held(document);
      if (!stored) return true;
      stored.visibleAtMs = Math.max(stored.visibleAtMs!, nowMs + this.#options.leaseMs);
      stored.saved = save(stored, document);
      document.leaseRenewed(nowMs);
      return false;
    }));
  }

  canceled(documents: readonly LeasedDocument[]): Promise<readonly LeasedDocument[]> {
    const { documents: stored } = this.#options;
    return Promise.resolve(documents.filter(({ id }) => stored.get(id)?.status === "canceled"));
  }

  deadLetter(document: LeasedDocument, error: string): Promise<number> {
    const stored = this.#held(document);
    if (stored && !stored.verdict) Object.assign(stored, { verdict: new Date(this.#nowMs), error });
    return this.finishVerdict(document);
  }

  async finishVerdict(document: LeasedDocument): Promise<number> {
    const stored = this.#held(document);
    if (!stored?.verdict) return 0;
    this.#options.letters.set(stored.id, stored.error);
    const marks = { status: "failed", takeovers: 0, alone: 0, visibleAtMs: undefined } as const;
    return (await this.#settle([{ document }], () => marks)).matched;
  }

  exclude({ id }: LeasedDocument, error: unknown): void {
    this.#excluded.set(id, { untilMs: this.#nowMs + LEFT_ALONE_MS, error });
  }

  isTransient(_error: unknown): boolean {
    return false;
  }

  isDoubtful(_error: unknown): boolean {
    return false;
  }

  isForbidden(_error: unknown): boolean {
    return false;
  }

  get #nowMs(): number {
    return this.#options.clock.monotonicMs();
  }

  /** What may be claimed now, suspects included. */
  #due(): StoredDocument[] {
    const nowMs = this.#nowMs;
    return [...this.#options.documents.values()].filter((stored) =>
      waits(stored, nowMs) && !((this.#excluded.get(stored.id)?.untilMs ?? 0) > nowMs)
    );
  }

  #settle<T extends { document: LeasedDocument }>(
    writes: readonly T[],
    change: (stored: StoredDocument, write: T) => Partial<StoredDocument>,
  ): Promise<Settlement> {
    const missed: LeasedDocument[] = [];
    for (const write of writes) {
      const stored = this.#held(write.document);
      if (stored) Object.assign(stored, change(stored, write), { token: undefined });
      else missed.push(write.document);
    }
    return Promise.resolve({ matched: writes.length - missed.length, missed });
  }

  #lease(stored: StoredDocument, token: string): FakeDocument {
    const nowMs = this.#nowMs;
    Object.assign(stored, { status: "processing", token, visibleAtMs: nowMs + this.#options.leaseMs });
    const { alone, attempts: attempt, error: reason, fields, id, saved, sizeBytes, snoozes, takeovers } =
      stored;
    const verdict = stored.verdict && { deadAt: stored.verdict, ...(reason !== undefined && { reason }) };
    const deadLetterReason = alone >= EXPIRIES_ALONE ? `It ended its process ${alone} times` : undefined;
    const lease = { token, leasedAtMs: nowMs, verdict, deadLetterReason, wasTakenOver: takeovers > 0 };
    return fakeDocument({
      id,
      attempt,
      snoozes,
      saved,
      sizeBytes,
      fields: structuredClone(fields),
      ...lease,
    });
  }

  #held(document: LeasedDocument): StoredDocument | undefined {
    const stored = this.#options.documents.get(document.id);
    return stored?.status === "processing" && stored.token === document.token ? stored : undefined;
  }
}

/** The checkpoint of a document after a write that carries the last one of its run. */
function save({ saved }: StoredDocument, { checkpoints }: LeasedDocument): Checkpoint | undefined {
  const last = checkpoints?.take();
  if (last === undefined) return saved;
  checkpoints?.written(last);
  return saved !== undefined && saved.n > last.n ? saved : structuredClone(last);
}

/** Pending and due, or with a lease that has expired. Without a token it is not an agent's lease. */
function waits({ status, token, visibleAtMs = 0 }: StoredDocument, nowMs: number): boolean {
  return visibleAtMs <= nowMs && (status === "pending" || (status === "processing" && token !== undefined));
}

function newToken(): string {
  return `claim-${++claims}`;
}
