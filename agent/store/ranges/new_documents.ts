import type { Document, Filter } from "mongodb";
import { CLAUSES } from "../queries.ts";
import { BEGINNING, isSameId } from "./ranges_document.ts";

/**
 * A new document: no agent has touched it. In range mode it belongs to the holder of the range that it is in, and every
 * other document is claimed by itself. No document becomes new again, so a write with this condition that arrives late
 * misses each document that had an outcome meanwhile.
 */
const NEW: Filter<Document> = { status: "pending", _pull: { $exists: false } };

/** The same as the index of claims finds them. */
const NEW_BY_INDEX: Filter<Document> = { ...NEW, "_pull.visible_at": null };

/** New documents, and those that only look so: they have bookkeeping, and no time in it. */
const UNSCHEDULED: Filter<Document> = {
  ...CLAUSES.pending,
  ...CLAUSES.unscheduled,
  ...CLAUSES.hasNoForeignPull,
};

/** A part of the order of `_id`: open below, closed above. */
export interface Bounds {
  /** The last id before it. */
  readonly above: unknown;
  /** Its last id; undefined if it has no end. */
  readonly upTo?: unknown;
}

/** The filter of a write on new documents. */
export function newAmong(ids: readonly unknown[]): Filter<Document> {
  return { ...NEW, _id: among(ids) };
}

/** The filter of a write on documents of {@linkcode unscheduledWithin}. */
export function unscheduledAmong(ids: readonly unknown[]): Filter<Document> {
  return { ...UNSCHEDULED, _id: among(ids) };
}

/** The query for new documents within bounds. */
export function newWithin(bounds: Bounds, filter?: Filter<Document>): Filter<Document> {
  const query = { ...NEW_BY_INDEX, $expr: between(bounds) };
  return filter ? { $and: [query, filter] } : query;
}

/**
 * The query for documents within bounds that are new, or that only look so; without bounds for all of them. What begins
 * with the beginning also has the document with the least of all ids, which no range holds.
 */
export function unscheduledWithin(bounds: Bounds | "all", filter?: Filter<Document>): Filter<Document> {
  const query = bounds === "all" ? UNSCHEDULED : { ...UNSCHEDULED, $expr: between(withFirst(bounds)) };
  return filter ? { $and: [query, filter] } : query;
}

function withFirst({ above, upTo }: Bounds): Bounds {
  return { above: isSameId(above, BEGINNING) ? undefined : above, upTo };
}

function among(ids: readonly unknown[]): never {
  return (ids.length === 1 ? { $eq: ids[0] } : { $in: ids }) as never;
}

/** Ids are compared as an index does: `$gt` alone would compare those of one type only, and never find those behind them. */
function between({ above, upTo }: Bounds): Document {
  const conditions: Document[] = [];
  if (above !== undefined) conditions.push({ $gt: ["$_id", { $literal: above }] });
  if (upTo !== undefined) conditions.push({ $lte: ["$_id", { $literal: upTo }] });
  return { $and: conditions };
}
