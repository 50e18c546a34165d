import type { Collection, Document, Filter, UpdateFilter } from "mongodb";
import type { RefusedClaim } from "../ports.ts";
import { exactCounters } from "./bookkeeping.ts";
import type { SuspectCandidate } from "./candidates.ts";
import { isRefused } from "./mongo_errors.ts";
import { claimable, type Kind } from "./queries.ts";
import type { ServerClock } from "./server_clock.ts";

/** What writing claims needs. */
export interface ClaimWriterOptions {
  collection: Collection;
  clock: ServerClock;
  filter: Filter<Document> | undefined;
  leaseMs: number;
  maxAttempts: number;
  owner: string;
}

/** What a claim marked, and what the database refused to mark. */
export interface Marked {
  documents: number;
  refused: RefusedClaim[];
}

/** Refused documents that one claim looks for, about; each costs several round trips. */
const MAX_REFUSED = 16;

/**
 * Writes the claim on those of `ids` that still match.
 *
 * A document that cannot take the bookkeeping (it is too large, or a validator refuses it) makes the database stop in
 * the middle of the batch: the batch is split until that document stands alone.
 *
 * @throws What the driver throws where the outcome is unknown.
 */
export async function markClaimed(
  kind: Kind,
  ids: readonly unknown[],
  token: string,
  options: ClaimWriterOptions,
): Promise<Marked> {
  const marked = await mark(kind, ids, token, options);
  if (!(marked instanceof Array)) return { documents: marked, refused: [] };
  // Where the first of them are all refused, the last one tells whether the others are as well.
  const isCut = marked.length >= MAX_REFUSED && marked.at(-1)!.id !== ids.at(-1);
  const last = isCut ? await mark(kind, ids.slice(-1), token, options) : 0;
  const refused = last instanceof Array ? [...marked, ...last] : marked;
  // What a refused batch marked before it stopped carries the token already: only the token can tell how many.
  const documents = await options.collection.countDocuments({
    _id: { $in: ids } as never,
    "_pull.token": token,
  });
  return { documents, refused };
}

/** How many documents were marked, or, where the database refused some, which. */
async function mark(
  kind: Kind,
  ids: readonly unknown[],
  token: string,
  options: ClaimWriterOptions,
): Promise<number | RefusedClaim[]> {
  const { collection, filter } = options;
  const query = { $and: [{ _id: { $in: ids } } as Filter<Document>, claimable(kind, filter)] };
  // A takeover inherits the attempt of the lease that expired: a crash in company costs nobody an attempt.
  const count: Record<string, number> = kind === "expired_leases"
    ? { "_pull.takeovers": 1 }
    : { "_pull.attempts": 1 };
  try {
    // The hint keeps the planner from walking the whole backlog for a hundred ids.
    const { matchedCount } = await collection.updateMany(query, lease(token, count, options), {
      hint: { _id: 1 },
    });
    return matchedCount;
  } catch (error) {
    if (!isRefused(error)) throw error;
    if (ids.length === 1) return [{ id: ids[0], error }];
    const half = ids.length >> 1;
    const first = await mark(kind, ids.slice(0, half), token, options);
    const refused = first instanceof Array ? first : [];
    // Where so many are refused, all may be: the rest is left for the next claim rather than asked about one by one.
    if (refused.length >= MAX_REFUSED) return refused;
    const second = await mark(kind, ids.slice(half), token, options);
    return second instanceof Array ? [...refused, ...second] : refused;
  }
}

/** Writes the claim on one suspect, where nothing about it has changed since it was read; returns 1 or 0. */
export async function markSuspect(
  { kind, raw }: SuspectCandidate,
  token: string,
  options: ClaimWriterOptions,
): Promise<number> {
  const { collection, filter, maxAttempts } = options;
  const { alone = 0, attempts = 0 } = raw.bookkeeping ?? {};
  const unchanged = { _id: { $eq: raw.id } as never, ...exactCounters(raw.bytes) };
  // Whoever was alone when its lease expired has had an attempt of its own; attempts never pass their limit.
  const counts = kind === "due_suspects" || (alone > 0 && attempts < maxAttempts);
  const count = {
    ...(counts ? { "_pull.attempts": 1 } : {}),
    ...(kind === "expired_suspects" ? { "_pull.takeovers": 1 } : {}),
  };
  const { matchedCount } = await collection.updateOne(
    { $and: [unchanged, claimable(kind, filter)] },
    lease(token, count, options),
    { hint: { _id: 1 } },
  );
  return matchedCount;
}

function lease(
  token: string,
  count: Record<string, number>,
  options: ClaimWriterOptions,
): UpdateFilter<Document> {
  const { clock, leaseMs, owner } = options;
  return {
    $set: {
      status: "processing",
      "_pull.token": token,
      "_pull.owner": owner,
      "_pull.visible_at": clock.now(leaseMs),
    },
    $inc: count,
  };
}
