import type { Document, Filter } from "mongodb";

/**
 * A new document: no agent has touched it. In range mode it belongs to the holder of the range that it is in, and every
 * other document is claimed by itself. No document becomes new again, so a write with this condition that arrives late
 * misses each document that had an outcome meanwhile.
 */
const NEW: Filter<Document> = { status: "pending", _pull: { $exists: false } };

/** The same as the index of claims finds them. */
const NEW_BY_INDEX: Filter<Document> = { ...NEW, "_pull.visible_at": null };

/** A part of the order of `_id`: open below, closed above. */
export interface Bounds {
  /** The last id before it. */
  readonly above: unknown;
  /** Its last id; undefined if it has no end. */
  readonly upTo?: unknown;
}

/** The filter of a write on new documents. */
export function newAmong(ids: readonly unknown[]): Filter<Document> {
  const id = ids.length === 1 ? { $eq: ids[0] } : { $in: ids };
  return { ...NEW, _id: id as never };
}

/**
 * The query for new documents within bounds. They are compared as an index does: `$gt` alone would compare ids of one
 * type only, and never find those behind the last of them.
 */
export function newWithin({ above, upTo }: Bounds, filter?: Filter<Document>): Filter<Document> {
  const conditions: Document[] = [{ $gt: ["$_id", { $literal: above }] }];
  if (upTo !== undefined) conditions.push({ $lte: ["$_id", { $literal: upTo }] });
  const query = { ...NEW_BY_INDEX, $expr: { $and: conditions } };
  return filter ? { $and: [query, filter] } : query;
}
