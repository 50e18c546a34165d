import type { Document, Filter } from "mongodb";

/** Which documents a requeue is for, if they are not named by their ids. */
export type Selection =
  | { readonly by: "filter"; readonly filter: Filter<Document> }
  | { readonly by: "failed" }
  /** Processed at this time or later. */
  | { readonly by: "processed"; readonly since: Date };

/** What a query that names no status means: documents that wait for an operator. */
const AT_REST: Filter<Document> = { status: { $in: ["failed", "canceled"] } };

/**
 * The query for the documents that are meant, with `FILTER`. A document that was processed or failed at `before` or
 * later is left out: it has run since the requeue began.
 */
export function queryOf(
  selection: Selection,
  before: Date,
  sourceFilter: Filter<Document> | undefined,
): Filter<Document> {
  return { $and: [...partsOf(selection), notSince(before), ...sourceFilter ? [sourceFilter] : []] };
}

/** Leaves out the documents that have been processed, or have failed, at this time or later. */
export function notSince(before: Date): Filter<Document> {
  return {
    $nor: [
      { status: "processed", processed_at: { $gte: before } },
      { status: "failed", "_pull.dead_at": { $gte: before } },
    ],
  };
}

function partsOf(selection: Selection): Filter<Document>[] {
  switch (selection.by) {
    case "failed":
      return [{ status: "failed" }];
    case "processed":
      return [{ status: "processed", processed_at: { $gte: selection.since } }];
    case "filter":
      return namesStatus(selection.filter) ? [selection.filter] : [selection.filter, AT_REST];
  }
}

/** Whether a query asks for the status anywhere. */
function namesStatus(query: unknown): boolean {
  if (Array.isArray(query)) return query.some(namesStatus);
  if (typeof query === "string") return query === "$status";
  if (typeof query !== "object" || query === null || "_bsontype" in query) return false;
  return Object.entries(query).some(([name, inner]) => name === "status" || namesStatus(inner));
}
