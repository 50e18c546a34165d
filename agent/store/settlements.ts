import {
  type AnyBulkWriteOperation,
  type Collection,
  type Document,
  MongoBulkWriteError,
  type UpdateFilter,
} from "mongodb";
import { RefusedWritesError } from "../errors.ts";
import { idKey } from "./id_key.ts";
import { isTransient, isTransientWrite } from "./mongo_errors.ts";
import type { Ack, LeasedDocument, Nack } from "../ports.ts";
import { isTooLarge } from "./mongo_errors.ts";
import { pendingAgain } from "./pending_again.ts";
import { held } from "./queries.ts";
import type { ServerClock } from "./server_clock.ts";

/** What the writes of a holder need. */
export interface HolderOptions {
  collection: Collection;
  clock: ServerClock;
  leaseMs: number;
  maxTimeMS: number;
}

/** Errors of earlier attempts that are kept on a document. */
export const KEPT_ERRORS = 5;

/** Writes of one ack, release or renewal that are under way at once, at the most. */
const WRITES_AT_ONCE = 4;

/** Every write that ends a lease removes these: without a token a document is not leased, whatever its status. */
const LEASE_FIELDS = { "_pull.token": "", "_pull.owner": "" } as const;

/**
 * Done: of the bookkeeping only the attempts stay. It is written anew rather than cleared field by field, which costs the
 * server a tenth of all its work on a document.
 */
function processed(attempts: number, set?: Document): UpdateFilter<Document> {
  return {
    $set: { ...set, status: "processed", _pull: { attempts } },
    $currentDate: { processed_at: true },
    $unset: { error: "" },
  };
}

/**
 * Marks documents as processed; returns how many were still ours. One grouped write a claim (for each number of attempts
 * in it), and one bulk write for all the documents whose processor wants fields written with the ack.
 */
export async function ack(acks: readonly Ack[], { collection }: HolderOptions): Promise<number> {
  const positions = [...acks.keys()];
  const withFields = positions.filter((position) => acks[position]!.set !== undefined);
  const plain = acks.filter(({ set }) => set === undefined).map(({ document }) => document);
  const grouped = byToken(plain).flatMap(([token, documents]) =>
    byAttempt(documents).map(([attempt, alike]) => async () => {
      const ours = held(alike.map(({ id }) => id), token);
      const { matchedCount } = await collection.updateMany(ours, processed(attempt), { hint: { _id: 1 } });
      return matchedCount;
    })
  );
  const single = bulk(
    collection,
    withFields.map((position) => {
      const { document, set } = acks[position]!;
      return { filter: held([document.id], document.token), update: processed(document.attempt, set) };
    }),
  );
  const [groups, fields] = await Promise.allSettled([settled(grouped), single]);
  if (groups.status === "rejected") throw groups.reason;
  const matched = sum(groups.value);
  if (fields.status === "fulfilled") return matched + fields.value;
  if (!(fields.reason instanceof RefusedWritesError)) throw fields.reason;
  const refused = [...fields.reason.refused].map(([index, why]) => [withFields[index]!, why] as const);
  throw new RefusedWritesError(new Map(refused), matched + fields.reason.matched);
}

/** Sets failed documents back to pending, each with its error and due after its own delay; returns how many matched. */
export async function nack(nacks: readonly Nack[], options: HolderOptions): Promise<number> {
  try {
    return await writeNacks(nacks, options, { withError: true });
  } catch (error) {
    if (!(error instanceof RefusedWritesError)) throw error;
    // A document near 16 MiB may have no room for its error, which is in the log; without it the write makes it smaller.
    const roomless = [...error.refused].filter(([, why]) => isTooLarge(why)).map(([position]) => position);
    const smaller = roomless.map((position) => nacks[position]!);
    const matched = error.matched + await writeNacks(smaller, options, { withError: false });
    const refused = new Map([...error.refused].filter(([position]) => !roomless.includes(position)));
    if (refused.size > 0) throw new RefusedWritesError(refused, matched);
    return matched;
  }
}

function writeNacks(
  nacks: readonly Nack[],
  { clock, collection }: HolderOptions,
  { withError }: { withError: boolean },
): Promise<number> {
  const at = clock.now();
  return bulk(
    collection,
    nacks.map(({ document, error, delayMs }) => ({
      filter: held([document.id], document.token),
      update: {
        $set: { status: "pending", "_pull.visible_at": clock.now(delayMs), ...(withError && { error }) },
        $unset: { ...LEASE_FIELDS, "_pull.takeovers": "", "_pull.alone": "" },
        ...(withError && { $push: failure(document, error, at) }),
      },
    })),
  );
}

/** Hands documents back with their attempt, as if they had never been claimed; returns how many matched. */
export async function release(documents: readonly LeasedDocument[], options: HolderOptions): Promise<number> {
  const { clock, collection } = options;
  const writes = byToken(documents).map(([token, group]) => async () => {
    // A suspect comes alone under its token. Whether its mark was written or not, it is taken back.
    const mark = group[0]!.suspect ? { "_pull.alone": group[0]!.suspect.expiriesAlone } : {};
    const { matchedCount } = await collection.updateMany(held(group.map(({ id }) => id), token), {
      $set: pendingAgain(clock, mark),
      $inc: { "_pull.attempts": -1 },
      $unset: LEASE_FIELDS,
    }, { hint: { _id: 1 } });
    return matchedCount;
  });
  return sum(await settled(writes));
}

/**
 * Notes that a suspect's handler starts with nothing else in flight; returns 0 where the lease is over. A number is set
 * rather than added to, so that a write whose answer was lost can be sent again.
 */
export async function markAlone(document: LeasedDocument, { collection }: HolderOptions): Promise<number> {
  const live = { $expr: { $gt: ["$_pull.visible_at", "$$NOW"] } };
  const { matchedCount } = await collection.updateOne({ ...held([document.id], document.token), ...live }, {
    $set: { "_pull.alone": (document.suspect?.expiriesAlone ?? 0) + 1 },
  }, { hint: { _id: 1 } });
  return matchedCount;
}

/** Renews leases; returns the documents whose lease is no longer ours. */
export async function renew(
  documents: readonly LeasedDocument[],
  options: HolderOptions,
): Promise<LeasedDocument[]> {
  const { clock, collection, leaseMs, maxTimeMS } = options;
  const groups = byToken(documents).map(([token, group]) => async () => {
    const sentAtMs = performance.now();
    const ours = held(group.map(({ id }) => id), token);
    const { matchedCount } = await collection.updateMany(ours, {
      // Never shortened: a renewal that was given up may arrive after the one that followed it.
      $max: { "_pull.visible_at": clock.now(leaseMs) },
    }, { hint: { _id: 1 } });
    const lost = matchedCount === group.length ? [] : await notAmong(group, collection, ours, maxTimeMS);
    for (const document of group) if (!lost.includes(document)) document.leasedAtMs = sentAtMs;
    return lost;
  });
  return (await settled(groups)).flat();
}

/** The update of `_pull.errors` that a failure makes. */
export function failure(document: LeasedDocument, message: string, at: Date): Document {
  return { "_pull.errors": { $each: [{ at, attempt: document.attempt, message }], $slice: -KEPT_ERRORS } };
}

async function notAmong(
  group: readonly LeasedDocument[],
  collection: Collection,
  query: Document,
  maxTimeMS: number,
): Promise<LeasedDocument[]> {
  const found = await collection.find(query, { projection: { _id: 1 }, hint: { _id: 1 }, maxTimeMS })
    .toArray();
  const ours = new Set(found.map(({ _id }) => idKey(_id)));
  return group.filter(({ id }) => !ours.has(idKey(id)));
}

async function bulk(
  collection: Collection,
  writes: { filter: Document; update: Document }[],
): Promise<number> {
  if (writes.length === 0) return 0;
  const operations: AnyBulkWriteOperation[] = writes.map((updateOne) => ({ updateOne }));
  // Unordered: one that is refused does not keep the others from being written.
  try {
    const { matchedCount } = await collection.bulkWrite(operations, { ordered: false });
    return matchedCount;
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError) || isTransient(error)) throw error;
    const refused = [error.writeErrors].flat();
    // Some may still be written tomorrow, and which of the others are safe with a majority is not known: all again.
    if (refused.length === 0 || error.result.getWriteConcernError() || refused.some(isTransientWrite)) {
      throw error;
    }
    throw new RefusedWritesError(new Map(refused.map((each) => [each.index, each])), error.matchedCount);
  }
}

/** Documents by their token: those of one claim can be written by one command. */
function byToken(documents: readonly LeasedDocument[]): [string, LeasedDocument[]][] {
  return [...Map.groupBy(documents, ({ token }) => token)];
}

function byAttempt(documents: readonly LeasedDocument[]): [number, LeasedDocument[]][] {
  return [...Map.groupBy(documents, ({ attempt }) => attempt)];
}

/**
 * Sends the writes, a few at a time: documents that trickle in have a token each, and each write under way takes a
 * connection. Waits for all, so that no write is under way any more when one has failed.
 */
async function settled<T>(writes: (() => Promise<T>)[]): Promise<T[]> {
  const results: PromiseSettledResult<T>[] = [];
  const waiting = writes.entries();
  const send = async () => {
    for (const [position, write] of waiting) [results[position]] = await Promise.allSettled([write()]);
  };
  await Promise.all(Array.from({ length: WRITES_AT_ONCE }, send));
  return results.map((result) => {
    if (result.status === "rejected") throw result.reason;
    return result.value;
  });
}

function sum(counts: number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
