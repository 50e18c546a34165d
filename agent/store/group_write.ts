import {
  type AnyBulkWriteOperation,
  type Collection,
  type Document,
  type Filter,
  MongoBulkWriteError,
  type UpdateFilter,
} from "mongodb";
import { RefusedWritesError } from "../errors.ts";
import type { LeasedDocument } from "../ports.ts";
import { isRefused, isTransient } from "./mongo_errors.ts";
import { held } from "./queries.ts";

/** What became of writes on documents that we hold. */
export interface Written {
  /** How many were still ours and are written. */
  matched: number;
  /** Those that the database refused, and why. */
  refused: ReadonlyMap<LeasedDocument, unknown>;
}

/** A write on one document. */
export interface HolderWrite {
  document: LeasedDocument;
  update: UpdateFilter<Document>;
}

/**
 * One write for documents of one claim. If the database refuses it for the sake of one of them, it has written some of
 * the others by then: those are counted, as `done` tells them, and the rest is written one by one.
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
    const { matchedCount } = await collection.updateMany(held(ids, group[0]!.token), update, {
      hint: { _id: 1 },
    });
    return { matched: matchedCount, refused: new Map() };
  } catch (error) {
    if (!isRefused(error)) throw error;
    if (group.length === 1) return { matched: 0, refused: new Map([[group[0]!, error]]) };
  }
  // A written document carries no token any more: nothing but its state tells that it was ours.
  const written = done ? await collection.countDocuments({ _id: { $in: ids as never[] }, ...done }) : 0;
  const each = await writeEach(group.map((document) => ({ document, update })), collection);
  return { ...each, matched: written + each.matched };
}

/**
 * A bulk of writes, one a document. One that is refused does not keep the others from being written.
 *
 * @throws What the driver throws if the outcome is unknown.
 */
export async function writeEach(writes: readonly HolderWrite[], collection: Collection): Promise<Written> {
  if (writes.length === 0) return { matched: 0, refused: new Map() };
  const operations: AnyBulkWriteOperation[] = writes.map(({ document: { id, token }, update }) => ({
    updateOne: { filter: held([id], token), update },
  }));
  try {
    const { matchedCount } = await collection.bulkWrite(operations, { ordered: false });
    return { matched: matchedCount, refused: new Map() };
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError) || isTransient(error)) throw error;
    const refused = [error.writeErrors].flat();
    if (refused.length === 0) throw error;
    return {
      matched: error.matchedCount,
      refused: new Map(refused.map((each) => [writes[each.index]!.document, each])),
    };
  }
}

/**
 * How many documents several writes have matched.
 *
 * @throws {RefusedWritesError} If the database refused some, by their position among `documents`.
 */
export function matchedOf(written: readonly Written[], documents: readonly LeasedDocument[]): number {
  const matched = written.reduce((sum, each) => sum + each.matched, 0);
  const refused = written.flatMap((each) => [...each.refused]);
  if (refused.length === 0) return matched;
  const positions = refused.map(([document, why]) => [documents.indexOf(document), why] as const);
  throw new RefusedWritesError(new Map(positions), matched);
}
