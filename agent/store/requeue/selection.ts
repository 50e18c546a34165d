import type { Document, Filter } from "mongodb";
import type { Status } from "./standing.ts";

/** Which documents a requeue is for, if they are not named by their ids. */
export type Selection =
  | { readonly by: "filter"; readonly filter: Filter<Document> }
  | { readonly by: "failed" }
  /** Processed at this time or later. */
  | { readonly by: "processed"; readonly since: Date };

/** What a query that names no status means: documents that wait for an operator. */
const AT_REST: Filter<Document> = { status: { $in: ["failed", "canceled"] } };

/**
 * The query for the documents that are meant, with `FILTER`. A document that has run at `before` or later, or was canceled
 * then, is left out: it would be set back again and again, and a cancellation be undone.
 */
export function queryOf(
  selection: Selection,
  before: Date,
  sourceFilter: Filter<Document> | undefined,
): Filter<Document> {
  return { $and: [...partsOf(selection), notSince(before), ...sourceFilter ? [sourceFilter] : []] };
}

/**
 * Leaves out the documents that have been processed or canceled, or have failed an attempt, at this time or later. If they
 * are known to have one status, it asks for the time of that alone: a server reads each condition of each write.
 */
export function notSince(before: Date, status?: Status): Filter<Document> {
  const times = TIMES.filter(([statuses]) => status === undefined || statuses.includes(status));
  return {
    $nor: times.map(([statuses, field]) => ({ status: { $in: statuses }, [field]: { $gte: before } })),
  };
}

/** Which field tells when a document has come to its status. */
const TIMES: readonly (readonly [statuses: readonly Status[], field: string])[] = [
  [["processed"], "processed_at"],
  [["failed"], "_pull.dead_at"],
  [["canceled"], "_pull.canceled.at"],
  [["pending", "processing"], "_pull.errors.at"],
];

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

/** Whether a query has a condition on the status of the document itself, and not on a field of that name within another. */
function namesStatus(query: unknown): boolean {
  if (typeof query !== "object" || query === null) return false;
  return Object.entries(query).some(([name, inner]) => {
    if (name === "$expr") return readsStatus(inner);
    return name === "status" || (JOINS.has(name) && Array.isArray(inner) && inner.some(namesStatus));
  });
}

/** Operators that join conditions on one document. */
const JOINS: ReadonlySet<string> = new Set(["$and", "$or", "$nor"]);

/** Whether an expression reads the status. */
function readsStatus(expression: unknown): boolean {
  if (typeof expression === "string") return expression === "$status";
  if (typeof expression !== "object" || expression === null || "_bsontype" in expression) return false;
  return Object.values(expression).some(readsStatus);
}
