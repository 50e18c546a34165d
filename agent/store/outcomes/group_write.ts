import {
  type AnyBulkWriteOperation,
  type Collection,
  type Document,
  type Filter,
  MongoBulkWriteError,
  type UpdateFilter,
} from "mongodb";
import { RefusedWritesError, UnansweredWritesError } from "../../partial_writes.ts";
import type { LeasedDocument, Settlement } from "../../ports.ts";
import { idKey } from "../documents/id_key.ts";
import { isRefused, isTransient } from "../mongo_errors.ts";
import { leasedBy } from "../queries.ts";

/** What became of writes on documents that this agent holds. */
export interface Written extends Settlement {
  /** Those that the database refused, and why. */
  readonly refused: ReadonlyMap<LeasedDocument, unknown>;
}

const NOTHING_WRITTEN: Written = { matched: 0, missed: [], refused: new Map() };

/** A write on one document. */
export interface HolderWrite {
  document: LeasedDocument;
  update: UpdateFilter<Document>;
}

/**
 * One write for documents of one claim. If the database refuses it because of one document, it has written some of the
 * others by then. Those are found by `done`, and the rest is written one by one.
 *
 * A written document carries no token any more: only its state, `done`, tells that this agent wrote it. Without `done`
 * it is not known which documents were missed.
 *
 * @throws What the driver throws if the outcome is unknown.
 */
export async function writeGroup(
  group: readonly LeasedDocument[],
  update: UpdateFilter<Document>,
  collection: Collection,
  done?: Filter<Document>,
): Promise<Written> {
  const ids = group.map(({ id }) => id);
  try {
    const { matchedCount } = await collection.updateMany(leasedBy(ids, group[0]!.token), update, {
      hint: { _id: 1 },
    });
    return {
      matched: matchedCount,
      missed: await missedOf(group, matchedCount, collection, done),
      refused: new Map(),
    };
  } catch (error) {
    if (!isRefused(error)) throw error;
    if (group.length === 1) return { ...NOTHING_WRITTEN, refused: new Map([[group[0]!, error]]) };
  }
  const left = done ? await without(group, collection, done) : group;
  const each = await writeEach(left.map((document) => ({ document, update })), collection, done);
  return { ...each, matched: group.length - left.length + each.matched };
}

/**
 * A bulk of writes, one per document. A refused write does not keep the others from being made. `done` tells a written
 * document, as for {@linkcode writeGroup}.
 *
 * @throws What the driver throws if the outcome is unknown.
 */
export async function writeEach(
  writes: readonly HolderWrite[],
  collection: Collection,
  done?: Filter<Document>,
): Promise<Written> {
  if (writes.length === 0) return NOTHING_WRITTEN;
  const sent = writes.map(({ document }) => document);
  const operations: AnyBulkWriteOperation[] = writes.map(({ document: { id, token }, update }) => ({
    updateOne: { filter: leasedBy([id], token), update },
  }));
  try {
    const { matchedCount } = await collection.bulkWrite(operations, { ordered: false });
    return {
      matched: matchedCount,
      missed: await missedOf(sent, matchedCount, collection, done),
      refused: new Map(),
    };
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError) || isTransient(error)) throw error;
    const writeErrors = [error.writeErrors].flat();
    if (writeErrors.length === 0) throw error;
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

/** Writes that have failed, and what the first of them threw. */
export interface Unanswered {
  readonly documents: readonly LeasedDocument[];
  readonly cause: unknown;
}

/**
 * What several writes have made of `documents`.
 *
 * @throws {RefusedWritesError} If the database refused some, by their position among `documents`.
 * @throws {UnansweredWritesError} If some have failed and others have not. The ones that were refused are sent again, too.
 * @throws What the first failed write threw, if no other has written or missed a document.
 */
export function settlementOf(
  written: readonly Written[],
  documents: readonly LeasedDocument[],
  unanswered?: Unanswered,
): Settlement {
  const matched = written.reduce((sum, each) => sum + each.matched, 0);
  const missed = written.flatMap((each) => each.missed);
  const refused = written.flatMap((each) => [...each.refused]);
  if (unanswered) {
    if (matched === 0 && missed.length === 0) throw unanswered.cause;
    const open = new Set([...unanswered.documents, ...refused.map(([document]) => document)]);
    const positions = documents.flatMap((document, position) => open.has(document) ? [position] : []);
    throw new UnansweredWritesError(new Set(positions), { matched, missed }, unanswered.cause);
  }
  if (refused.length === 0) return { matched, missed };
  const positions = refused.map(([document, why]) => [documents.indexOf(document), why] as const);
  throw new RefusedWritesError(new Map(positions), { matched, missed });
}
