import type { Collection, Document, UpdateFilter } from "mongodb";
import { settlementOf, type Unanswered, writeEach, writeGroup, type Written } from "./group_write.ts";
import { idKey } from "./documents/id_key.ts";
import { isTooLarge } from "./mongo_errors.ts";
import type { Ack, LeasedDocument, Nack, Settlement } from "../ports.ts";
import { backToPending } from "./back_to_pending.ts";
import { held } from "./queries.ts";
import type { ServerClock } from "./connection/server_clock.ts";

/** What the writes of a holder need. */
export interface HolderOptions {
  collection: Collection;
  clock: ServerClock;
  leaseMs: number;
  maxTimeMS: number;
}

/** Errors of earlier attempts that are kept on a document. */
const KEPT_ERRORS = 5;

/** Writes of one ack, release or renewal that are under way at once, at the most. */
const WRITES_AT_ONCE = 4;

/** Every write that ends a lease removes these: without a token a document is not leased, whatever its status. */
const LEASE_FIELDS = { "_pull.token": "", "_pull.owner": "" } as const;
const UNLEASED = { "_pull.token": { $exists: false } } as const;

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
 * Marks documents as processed. One grouped write a claim (for each number of attempts
 * in it), and one bulk write for all the documents whose processor wants fields written with the ack.
 */
export async function ack(acks: readonly Ack[], { collection }: HolderOptions): Promise<Settlement> {
  const plain = acks.filter(({ set }) => set === undefined).map(({ document }) => document);
  const withFields = acks.filter(({ set }) => set !== undefined);
  const grouped = byToken(plain).flatMap(([, documents]) =>
    byAttempt(documents).map(([attempt, alike]) => ({
      documents: alike,
      send: () => {
        const done = { status: "processed", "_pull.attempts": attempt, ...UNLEASED };
        return writeGroup(alike, processed(attempt), collection, done);
      },
    }))
  );
  const single: GroupWrite = {
    documents: withFields.map(({ document }) => document),
    send: () => {
      const writes = withFields.map(({ document, set }) => ({
        document,
        update: processed(document.attempt, set),
      }));
      return writeEach(writes, collection, { status: "processed", ...UNLEASED });
    },
  };
  const { written, unanswered } = await sendAll([single, ...grouped]);
  return settlementOf(written, acks.map(({ document }) => document), unanswered);
}

/** Sets failed documents back to pending, each with its error and due after its own delay. */
export async function nack(nacks: readonly Nack[], options: HolderOptions): Promise<Settlement> {
  const documents = nacks.map(({ document }) => document);
  const written = await writeNacks(nacks, options);
  // A document near 16 MiB may have no room for its error, which is in the log; without it the write makes it smaller.
  const roomless = nacks.filter(({ document }) => isTooLarge(written.refused.get(document)));
  if (roomless.length === 0) return settlementOf([written], documents);
  const send = () => writeNacks(roomless.map((each) => ({ ...each, withoutError: true })), options);
  const smaller = await sendAll([{ documents: roomless.map(({ document }) => document), send }]);
  const refused = new Map([...written.refused].filter(([, why]) => !isTooLarge(why)));
  return settlementOf([{ ...written, refused }, ...smaller.written], documents, smaller.unanswered);
}

function writeNacks(nacks: readonly Nack[], { clock, collection }: HolderOptions): Promise<Written> {
  const at = clock.now();
  const dueAt = nacks.map(({ delayMs }) => clock.now(delayMs));
  const writes = nacks.map(({ document, error, withoutError }, position) => ({
    document,
    update: {
      $set: { status: "pending", "_pull.visible_at": dueAt[position], ...(!withoutError && { error }) },
      $unset: { ...LEASE_FIELDS, "_pull.takeovers": "", "_pull.alone": "" },
      ...(!withoutError && { $push: failure(document, error, at) }),
    } as UpdateFilter<Document>,
  }));
  // Another agent may have claimed it since: its error is still there.
  const hasError = { "_pull.errors": { $elemMatch: { at } } };
  const waits = { status: "pending", "_pull.visible_at": { $in: dueAt }, ...UNLEASED };
  return writeEach(writes, collection, { $or: [hasError, waits] });
}

/** Hands documents back with their attempt, as if they had never been claimed. */
export async function release(
  documents: readonly LeasedDocument[],
  options: HolderOptions,
): Promise<Settlement> {
  const { clock, collection } = options;
  const handBack = (group: readonly LeasedDocument[]) => {
    // A suspect comes alone under its token. Whether its mark was written or not, it is taken back.
    const mark = group[0]!.suspect ? { "_pull.alone": group[0]!.suspect.expiriesAlone } : {};
    const back = backToPending(clock, mark);
    const update = { $set: back, $inc: { "_pull.attempts": -1 }, $unset: LEASE_FIELDS };
    return writeGroup(group, update as UpdateFilter<Document>, collection, { ...back, ...UNLEASED });
  };
  const groups = byToken(documents).map(([, group]) => ({ documents: group, send: () => handBack(group) }));
  const { written, unanswered } = await sendAll(groups);
  return settlementOf(written, documents, unanswered);
}

/**
 * Notes that a suspect's handler starts with nothing else in flight; returns 0 where the lease is over. A number is set
 * rather than added to, so that a write whose answer was lost can be sent again.
 */
export async function markRunningAlone(
  document: LeasedDocument,
  { collection }: HolderOptions,
): Promise<number> {
  const live = { $expr: { $gt: ["$_pull.visible_at", "$$NOW"] } };
  const { matchedCount } = await collection.updateOne({ ...held([document.id], document.token), ...live }, {
    $set: { "_pull.alone": (document.suspect?.expiriesAlone ?? 0) + 1 },
  }, { hint: { _id: 1 } });
  return matchedCount;
}

/**
 * Renews leases; returns the documents whose lease is no longer ours.
 *
 * @throws {RefusedWritesError} If the database refused some, whose leases run out, and no lease is lost.
 */
export async function renew(
  documents: readonly LeasedDocument[],
  options: HolderOptions,
): Promise<LeasedDocument[]> {
  const { clock, collection, leaseMs, maxTimeMS } = options;
  const lost: LeasedDocument[] = [];
  const renewOne = async (token: string, group: readonly LeasedDocument[]) => {
    const sentAtMs = performance.now();
    // Never shortened: a renewal that was given up may arrive after the one that followed it.
    const renewed = { $max: { "_pull.visible_at": clock.now(leaseMs) } };
    const written = await writeGroup(group, renewed, collection);
    const taken = group.filter((document) => !written.refused.has(document));
    const ours = held(taken.map(({ id }) => id), token);
    const gone = written.matched === taken.length ? [] : await notAmong(taken, collection, ours, maxTimeMS);
    for (const document of taken) if (!gone.includes(document)) document.leasedAtMs = sentAtMs;
    lost.push(...gone);
    return written;
  };
  const groups = byToken(documents).map(([token, group]) => ({
    documents: group,
    send: () => renewOne(token, group),
  }));
  const { written, unanswered } = await sendAll(groups);
  // What is lost is told first: the others are due again, and refused or without an answer again, a moment later.
  if (lost.length > 0) return lost;
  if (unanswered) throw unanswered.cause;
  settlementOf(written, documents);
  return lost;
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

/** Documents by their token: those of one claim can be written by one command. */
function byToken(documents: readonly LeasedDocument[]): [string, LeasedDocument[]][] {
  return [...Map.groupBy(documents, ({ token }) => token)];
}

function byAttempt(documents: readonly LeasedDocument[]): [number, LeasedDocument[]][] {
  return [...Map.groupBy(documents, ({ attempt }) => attempt)];
}

/** A write for several documents. */
interface GroupWrite {
  documents: readonly LeasedDocument[];
  send(): Promise<Written>;
}

/** What became of several writes. */
interface Sent {
  written: Written[];
  unanswered?: Unanswered | undefined;
}

/**
 * Sends the writes, a few at a time: documents that trickle in have a token each, and each write under way takes a
 * connection. Waits for all, so that no write is under way any more when one has failed; what the others have written is
 * known all the same. Never throws.
 */
async function sendAll(writes: readonly GroupWrite[]): Promise<Sent> {
  const written: Written[] = [];
  const failed: LeasedDocument[] = [];
  let failure: { cause: unknown } | undefined;
  const waiting = writes.values();
  const send = async () => {
    for (const write of waiting) {
      try {
        written.push(await write.send());
      } catch (cause) {
        failure ??= { cause };
        failed.push(...write.documents);
      }
    }
  };
  await Promise.all(Array.from({ length: WRITES_AT_ONCE }, send));
  return { written, unanswered: failure && { documents: failed, ...failure } };
}
