import {
  type AnyBulkWriteOperation,
  type Collection,
  type Document,
  type Filter,
  MongoBulkWriteError,
  type UpdateFilter,
} from "mongodb";
import type { LeasedDocument } from "../../ports.ts";
import { idKey } from "../documents/id_key.ts";
import { isRefused, isTransient, isUnsupported } from "../mongo_errors.ts";
import { writeWithin } from "../limited_writes.ts";
import { heldBy } from "../held_by.ts";
import { writeAroundLocks } from "./around_locks.ts";
import type { Written } from "./written.ts";

const NOTHING_WRITTEN: Written = { matched: 0, missed: [], refused: new Map() };
/** No document is as this says. */
const NEVER: Filter<Document> = { _id: { $in: [] } };

/** A write on one document. */
export interface HolderWrite {
  document: LeasedDocument;
  update: UpdateFilter<Document>;
}

/** How documents are written together. */
export interface GroupOptions {
  collection: Collection;
  /** The server gives a write up after this long, in milliseconds, if documents are locked. */
  writeLimitMs: number;
  /** Tells a written document: it carries no token any more. Without it, it is not looked which were missed. */
  done?: Filter<Document>;
  /** Tells a document that was written and still carries its token. */
  reached?: Filter<Document>;
}

/**
 * One write for documents of one claim. If the database refuses it because of one document, it has written some of the
 * others by then. Those are found by `done`, and the rest is written one by one. If a transaction locks one of them, the
 * others are written without it.
 *
 * @throws What the driver throws if the outcome is unknown.
 */
export async function writeGroup(
  group: readonly LeasedDocument[],
  update: UpdateFilter<Document>,
  options: GroupOptions,
): Promise<Written> {
  const { collection, reached = options.done } = options;
  return await writeAroundLocks(group, {
    send: (documents) => writeOnce(documents, update, options),
    unreached: async (documents) =>
      await inServerOrder(await without(documents, collection, reached ?? NEVER), collection),
  });
}

async function writeOnce(
  group: readonly LeasedDocument[],
  update: UpdateFilter<Document>,
  options: GroupOptions,
): Promise<Written> {
  const { collection, done, writeLimitMs } = options;
  const query = heldBy(group);
  try {
    const matched = await writeWithin(
      writeLimitMs,
      (limit) => collection.updateMany(query, update, { hint: { _id: 1 }, ...limit }),
    );
    return { matched, missed: await missedOf(group, matched, collection, done), refused: new Map() };
  } catch (error) {
    if (!isRefused(error) || isUnsupported(error)) throw error;
    if (group.length === 1) return { ...NOTHING_WRITTEN, refused: new Map([[group[0]!, error]]) };
  }
  const left = done ? await without(group, collection, done) : group;
  const each = await writeEach(left.map((document) => ({ document, update })), options);
  return { ...each, matched: group.length - left.length + each.matched };
}

/**
 * A bulk of writes, one per document. A refused write does not keep the others from being made, and neither does a locked
 * document.
 *
 * @throws What the driver throws if the outcome is unknown.
 */
export async function writeEach(writes: readonly HolderWrite[], options: GroupOptions): Promise<Written> {
  if (writes.length === 0) return NOTHING_WRITTEN;
  const { collection, reached = options.done } = options;
  const updates = new Map(writes.map(({ document, update }) => [document, update]));
  return await writeAroundLocks([...updates.keys()], {
    send: (documents) => bulkOnce(documents, updates, options),
    // The server writes them in the order in which they are sent.
    unreached: (documents) => without(documents, collection, reached ?? NEVER),
  });
}

async function bulkOnce(
  sent: readonly LeasedDocument[],
  updates: ReadonlyMap<LeasedDocument, UpdateFilter<Document>>,
  { collection, done, writeLimitMs }: GroupOptions,
): Promise<Written> {
  const operations: AnyBulkWriteOperation[] = sent.map((document) => ({
    updateOne: { filter: heldBy([document]), update: updates.get(document)! },
  }));
  try {
    const matched = await writeWithin(
      writeLimitMs,
      (limit) => collection.bulkWrite(operations, { ordered: false, ...limit }),
    );
    return { matched, missed: await missedOf(sent, matched, collection, done), refused: new Map() };
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError) || isTransient(error)) throw error;
    const writeErrors = [error.writeErrors].flat();
    // Each of them is refused alike.
    if (writeErrors.length === 0 || isUnsupported(error)) throw error;
    const refused = new Map(writeErrors.map((each) => [sent[each.index]!, each] as const));
    const others = sent.filter((document) => !refused.has(document));
    const { matchedCount: matched } = error;
    return { matched, missed: await missedOf(others, matched, collection, done), refused };
  }
}

/**
 * The documents that a write has missed. If that is not known, all that it may have missed. It costs a read only if the
 * write has missed some and written others.
 */
async function missedOf(
  sent: readonly LeasedDocument[],
  matched: number,
  collection: Collection,
  done: Filter<Document> | undefined,
): Promise<readonly LeasedDocument[]> {
  if (matched === sent.length) return [];
  if (matched === 0 || !done) return sent;
  try {
    const missed = await without(sent, collection, done);
    // Missed documents may have the same state by now, because another agent has done the same.
    return missed.length < sent.length - matched ? sent : missed;
  } catch {
    // Written documents stay written: a failed read must not make the caller write them again.
    return sent;
  }
}

/** Those that are not `done`. */
async function without(
  documents: readonly LeasedDocument[],
  collection: Collection,
  done: Filter<Document>,
): Promise<LeasedDocument[]> {
  const query = { _id: { $in: documents.map(({ id }) => id) as never[] }, ...done };
  const found = await collection.find(query, { projection: { _id: 1 }, hint: { _id: 1 } }).toArray();
  const ids = new Set(found.map(({ _id }) => idKey(_id)));
  return documents.filter(({ id }) => !ids.has(idKey(id)));
}

/** The documents in the order in which the server walks them; those last that are gone. */
async function inServerOrder(
  documents: readonly LeasedDocument[],
  collection: Collection,
): Promise<LeasedDocument[]> {
  const query = { _id: { $in: documents.map(({ id }) => id) as never[] } };
  const found = await collection.find(query, { projection: { _id: 1 }, hint: { _id: 1 }, sort: { _id: 1 } })
    .toArray();
  const byKey = new Map(documents.map((document) => [idKey(document.id), document]));
  const existing = found.flatMap(({ _id }) => byKey.get(idKey(_id)) ?? []);
  return [...new Set([...existing, ...documents])];
}
