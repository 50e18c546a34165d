import type { Document, Filter } from "mongodb";

/** Which documents may be claimed, in order of preference. */
export type Kind = "due_retries" | "expired_leases" | "new_documents";

/**
 * Due by the server's clock. The comparison alone also matches a missing field, which is less than any date; the
 * lower bound keeps such documents out and gives the index its range.
 */
const DUE = {
  "_pull.visible_at": { $gt: new Date(0) },
  $expr: { $lte: ["$_pull.visible_at", "$$NOW"] },
};

/** One query a kind, never `$or`: each is one range of the same index. */
const CLAIMABLE: Record<Kind, Filter<Document>> = {
  due_retries: { status: "pending", ...DUE },
  // `processing` without a token is no lease of an agent's: somebody else works on it.
  expired_leases: { status: "processing", "_pull.token": { $exists: true }, ...DUE },
  new_documents: { status: "pending", "_pull.visible_at": null },
};

/** The index that serves all three, and its order: the longest due first, then by `_id`. */
export const CLAIM_INDEX = { status: 1, "_pull.visible_at": 1, _id: 1 } as const;
export const CLAIM_ORDER = { "_pull.visible_at": 1, _id: 1 } as const;

/** The query for documents of one kind, with the user's own `filter` and-ed to it. */
export function claimable(kind: Kind, filter?: Filter<Document>): Filter<Document> {
  return filter ? { $and: [CLAIMABLE[kind], filter] } : CLAIMABLE[kind];
}

/** The filter of every write by a holder: it misses whatever others changed, deleted or took over in flight. */
export function held(ids: readonly unknown[], token: string): Filter<Document> {
  const id = ids.length === 1 ? { $eq: ids[0] } : { $in: ids };
  return { _id: id as never, "_pull.token": token, status: "processing" };
}
