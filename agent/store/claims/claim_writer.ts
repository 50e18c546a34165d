import type { Collection, Document, Filter, UpdateFilter } from "mongodb";
import type { RefusedClaim } from "../../ports.ts";
import { exactCounters } from "../documents/bookkeeping.ts";
import type { BusyKeys } from "./busy_keys.ts";
import type { SuspectCandidate } from "./candidates.ts";
import { idKey } from "../documents/id_key.ts";
import { isGivenUp, LockedDocumentsError, writeWithin } from "../limited_writes.ts";
import { isDoubtful, isDuplicateKey, isRefused, isUnsupported } from "../mongo_errors.ts";
import { claimable, isTakeover, type Kind } from "../queries.ts";
import type { DocumentMode } from "../ranges/document_mode.ts";
import type { StoreServer } from "../server/store_server.ts";
import type { ServerClock } from "../connection/server_clock.ts";

/** What writing claims needs. */
export interface ClaimWriterOptions {
  collection: Collection;
  serverClock: ServerClock;
  server: StoreServer;
  filter: Filter<Document> | undefined;
  leaseMs: number;
  maxAttempts: number;
  owner: string;
  /** Bound of a query, in milliseconds. */
  maxTimeMS: number;
  /**
   * The server gives a claim up after this long, in milliseconds: a little before its answer counts as lost. Otherwise
   * a claim that goes on, for example because it waits for a transaction, would take documents for an agent that no
   * longer waits for them.
   */
  claimLimitMs: number;
  /** The server gives up a grouped write after this long, in milliseconds, as documents may be locked. */
  writeLimitMs: number;
  /** Documents that have to wait for others. */
  busy: BusyKeys;
  /** What claims of new documents have to match as well, if agents in range mode may be there. */
  documentMode?: DocumentMode | undefined;
  /** Set if new documents are claimed by ranges. */
  ranges?: unknown;
}

/** What a claim marked, and what the database refused to mark. */
export interface Marked {
  documents: number;
  refused: RefusedClaim[];
  /** Refused for a reason that they may not be at fault for. */
  doubted: RefusedClaim[];
  /** A transaction of another program seems to lock them. */
  locked: RefusedClaim[];
  /** So many are locked that these were not tried. */
  passedOver: RefusedClaim[];
  /** What was marked has to be read back. */
  isUnconfirmed: boolean;
  /** Set if the claim failed after it may have marked some: then `documents` is only a lower bound. */
  failure?: { error: unknown } | undefined;
  /** Some have to wait until a document of the same key is settled. */
  isHeldUp: boolean;
}

/** Refused documents that one claim searches for, about: each costs several round trips. */
const MAX_REFUSED = 16;
/**
 * Locked documents that one claim looks for: each costs the time that a write is given. A transaction that locks
 * so many may lock those behind them, too.
 */
const MAX_LOCKED = 3;
/**
 * If a claim has taken nothing, this many refusals that the documents may not be at fault for end it: the server is in
 * trouble.
 */
const MAX_DOUBTED = 2;

/**
 * Writes the claim on those of `ids` that still match.
 *
 * If a document cannot take the bookkeeping (it is too large, or a validator refuses it), the database stops in the
 * middle of the batch. The batch is then split until that document stands alone. The database also stops at a document
 * that has to wait for another one of the same key: that key is left alone, and the claim ends there.
 * A document that a transaction of another program locks is passed over.
 *
 * Never throws: refused documents are reported even if something fails later.
 */
export async function markClaimed(
  kind: Kind,
  ids: readonly unknown[],
  token: string,
  options: ClaimWriterOptions,
): Promise<Marked> {
  const writing = new ClaimWriting(kind, token, options);
  const { doubted, refused } = writing;
  let failure: { error: unknown } | undefined;
  let documents: number | undefined;
  try {
    await writing.mark(ids);
    // If the first of them are all refused, the last one tells whether the others are as well.
    const last = ids.at(-1);
    if (writing.isCut && refused.at(-1)?.id !== last && doubted.at(-1)?.id !== last) {
      await writing.mark(ids.slice(-1));
    }
    if (writing.isStopped) documents = await countMarked(ids, token, options);
  } catch (error) {
    failure = { error };
  }
  const { isHeldUp, isUnconfirmed, locked, matched, passedOver } = writing;
  const left = { refused, doubted, locked, passedOver };
  return { documents: documents ?? matched, ...left, failure, isHeldUp, isUnconfirmed };
}

/**
 * The documents that a refused batch marked before it stopped carry the token: only the token tells how many they are.
 */
async function countMarked(
  ids: readonly unknown[],
  token: string,
  { collection }: ClaimWriterOptions,
): Promise<number> {
  return await collection.countDocuments({ _id: { $in: ids } as never, "_pull.token": token });
}

/** The writes of one claim: one, unless the database refuses it. */
class ClaimWriting {
  readonly refused: RefusedClaim[] = [];
  readonly doubted: RefusedClaim[] = [];
  readonly locked: RefusedClaim[] = [];
  readonly passedOver: RefusedClaim[] = [];
  matched = 0;
  /** A majority was too slow to confirm a write in its time. */
  isUnconfirmed = false;
  /** A write was refused or given up, and may have marked some documents before. */
  isStopped = false;
  isHeldUp = false;
  readonly #query: Filter<Document>;
  readonly #update: UpdateFilter<Document>;
  readonly #token: string;
  readonly #options: ClaimWriterOptions;
  #waiting = 0;

  constructor(kind: Kind, token: string, options: ClaimWriterOptions) {
    // A takeover inherits the attempt of the expired lease: a crash beside other documents costs no document an
    // attempt.
    const count: Record<string, number> = isTakeover(kind)
      ? { "_pull.takeovers": 1 }
      : { "_pull.attempts": 1 };
    const query = claimable(kind, options.server.time, options.filter);
    const condition = kind === "new_documents" ? options.documentMode?.condition : undefined;
    this.#query = condition ? { $and: [query, condition] } : query;
    const update = lease(token, count, options);
    const isMarked = options.ranges !== undefined && !isTakeover(kind);
    this.#update = isMarked ? { ...update, ...OF_RANGE_MODE } : update;
    this.#token = token;
    this.#options = options;
  }

  /** So many are refused that all may be: the rest is left for the next claim and not asked about one by one. */
  get isCut(): boolean {
    if (this.matched === 0 && this.doubted.length >= MAX_DOUBTED) return true;
    return this.refused.length + this.doubted.length + this.#waiting >= MAX_REFUSED;
  }

  async mark(ids: readonly unknown[]): Promise<void> {
    const { claimLimitMs, collection, writeLimitMs } = this.#options;
    const query = { $and: [{ _id: { $in: ids } } as Filter<Document>, this.#query] };
    // The hint keeps the planner from walking the whole backlog for a hundred ids.
    const send = (limit: { maxTimeMS?: number }) =>
      collection.updateMany(query, this.#update, { hint: { _id: 1 }, ...limit });
    try {
      this.matched += await writeWithin(
        writeLimitMs,
        send,
        { longLimitMs: claimLimitMs, onUnconfirmed: () => this.isUnconfirmed = true },
      );
    } catch (error) {
      if (isGivenUp(error)) return await this.#passOver(ids, error);
      if (!isRefused(error) || isUnsupported(error)) throw error;
      this.isStopped = true;
      await this.#refused(ids, error);
    }
  }

  /** Claims those behind the first document that a write which was given up has not marked. */
  async #passOver(ids: readonly unknown[], error: unknown): Promise<void> {
    const { collection, maxTimeMS } = this.#options;
    this.isStopped = true;
    const unmarked = { _id: { $in: ids } as never, "_pull.token": { $ne: this.#token } };
    const query = { $and: [unmarked, this.#query] };
    const found = await collection.find(query, {
      projection: { _id: 1 },
      hint: { _id: 1 },
      sort: { _id: 1 },
      maxTimeMS,
    }).toArray();
    if (found.length === 0) return;
    const byKey = new Map(ids.map((id) => [idKey(id), { id, error: new LockedDocumentsError(1, error) }]));
    const [locked, ...rest] = found.map(({ _id }) => byKey.get(idKey(_id)));
    if (locked === undefined) throw error;
    const others = rest.filter((each) => each !== undefined);
    this.locked.push(locked);
    if (others.length === 0) return;
    if (this.locked.length < MAX_LOCKED) return await this.mark(others.map(({ id }) => id));
    // The last one tells whether those between are locked as well. If it is not, they are left for the next claim.
    const matched = this.matched;
    if (this.locked.length === MAX_LOCKED) await this.mark([others.at(-1)!.id]);
    if (this.matched === matched) this.passedOver.push(...others.slice(0, -1));
  }

  async #refused(ids: readonly unknown[], error: unknown): Promise<void> {
    const { busy } = this.#options;
    const isBusy = isDuplicateKey(error);
    if (isBusy) this.isHeldUp = true;
    if (isBusy && busy.learn(error)) return;
    if (ids.length === 1) {
      if (isBusy) this.#waiting += busy.addId(ids[0], error);
      else (isDoubtful(error) ? this.doubted : this.refused).push({ id: ids[0], error });
      return;
    }
    const half = ids.length >> 1;
    await this.mark(ids.slice(0, half));
    if (!this.isCut) await this.mark(ids.slice(half));
  }
}

/** Writes the claim on one suspect, if nothing about it has changed since it was read; returns 1 or 0. */
export async function markSuspect(
  { kind, raw }: SuspectCandidate,
  token: string,
  options: ClaimWriterOptions,
): Promise<number> {
  const { collection, filter, maxAttempts, claimLimitMs: longLimitMs, writeLimitMs } = options;
  const { alone = 0, attempts = 0 } = raw.bookkeeping ?? {};
  const unchanged = { _id: { $eq: raw.id } as never, ...exactCounters(raw.bytes) };
  // A suspect that was alone when its lease expired has had an attempt; attempts never pass their limit.
  const counts = kind === "due_suspects" || (alone > 0 && attempts < maxAttempts);
  const count = {
    ...(counts ? { "_pull.attempts": 1 } : {}),
    ...(isTakeover(kind) ? { "_pull.takeovers": 1 } : {}),
  };
  // A router looks for the one `_id` of an update of one document at the top.
  const query = { ...unchanged, $and: [claimable(kind, options.server.time, filter)] };
  return await writeWithin(
    writeLimitMs,
    (limit) => collection.updateOne(query, lease(token, count, options), { hint: { _id: 1 }, ...limit }),
    { longLimitMs },
  );
}

/** Tells the lease from that of an agent in document mode, which counts takeovers only once there are any. */
const OF_RANGE_MODE: UpdateFilter<Document> = { $max: { "_pull.takeovers": 0 } };

function lease(
  token: string,
  count: Record<string, number>,
  options: ClaimWriterOptions,
): UpdateFilter<Document> {
  const { leaseMs, owner, serverClock } = options;
  return {
    $set: {
      status: "processing",
      "_pull.token": token,
      "_pull.owner": owner,
      "_pull.visible_at": serverClock.now(leaseMs),
    },
    $inc: count,
  };
}
