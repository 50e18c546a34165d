import type { Document, Filter } from "mongodb";

/** Which documents may be claimed, in order of preference. */
export type Kind = "due_retries" | "expired_leases" | "new_documents";
/** Documents that are claimed one by one, by an agent that holds nothing else. */
export type SuspectKind = "due_suspects" | "expired_suspects";

/** The earliest date there is. */
const FIRST_DATE = new Date(-8.64e15);

/**
 * Due by the server's clock. The comparison alone also matches a missing field, which is less than any date; the
 * lower bound keeps such documents out and gives the index its range.
 */
const DUE = {
  "_pull.visible_at": { $gte: FIRST_DATE },
  $expr: { $lte: ["$_pull.visible_at", "$$NOW"] },
};

/** `processing` without a token is no lease of an agent's: somebody else works on it. */
const EXPIRED = { status: "processing", "_pull.token": { $exists: true }, ...DUE };

/** Expired leases that a document may see while others are in flight beside it; from the next on it is a suspect. */
const TAKEOVERS_IN_COMPANY = 1;
/** Leases that may expire while the document was processed alone; then it is a dead letter. */
export const EXPIRIES_ALONE = 2;

/**
 * Whether an expired lease is to be taken over alone: this would be its second takeover, or it was alone before. Not
 * where its fate is decided (a verdict, or as many expiries while alone as end it): no handler will see it again.
 */
const SUSPECT_LEASE: Filter<Document> = {
  $or: [{ "_pull.takeovers": { $gte: TAKEOVERS_IN_COMPANY } }, { "_pull.alone": { $gte: 1 } }],
  "_pull.alone": { $not: { $gte: EXPIRIES_ALONE } },
  "_pull.dead_at": { $exists: false },
};

/** Whether a pending document is a suspect still: a release keeps the suspicion, a nack clears it. */
const SUSPECT_PENDING: Filter<Document> = {
  $or: [{ "_pull.takeovers": { $gt: TAKEOVERS_IN_COMPANY } }, { "_pull.alone": { $gte: 1 } }],
};

/**
 * A small index of what was ever taken over, so that looking for suspects need not walk through everything that is due.
 * A document that is processed or fails leaves it.
 */
export const TAKEOVER_INDEX = { "_pull.takeovers": 1, "_pull.visible_at": 1 } as const;
export const TAKEN_OVER = { "_pull.takeovers": { $gte: TAKEOVERS_IN_COMPANY } } as const;

/** A field of the user's own by the name of our bookkeeping: nothing can be written into it. */
const UNUSABLE: Filter<Document> = { _pull: { $exists: true, $not: { $type: "object" } } };

/** Documents that wait for nobody for that reason, in a range of the index that holds little else once all is claimed. */
export const UNUSABLE_PENDING: Filter<Document> = {
  status: "pending",
  "_pull.visible_at": { $exists: false },
  ...UNUSABLE,
};

/**
 * One query a kind: each is one range of the same index, and whether a document is a suspect is looked at on what the
 * range holds. An `$or` over kinds would be no range at all.
 */
const CLAIMABLE: Record<Kind | SuspectKind, Filter<Document>> = {
  due_retries: { status: "pending", ...DUE, $nor: [SUSPECT_PENDING] },
  expired_leases: { ...EXPIRED, $nor: [SUSPECT_LEASE] },
  new_documents: { status: "pending", "_pull.visible_at": null, $nor: [UNUSABLE] },
  due_suspects: { $and: [TAKEN_OVER, { status: "pending", ...DUE, ...SUSPECT_PENDING }] },
  expired_suspects: { $and: [TAKEN_OVER, { ...EXPIRED, ...SUSPECT_LEASE }] },
};

/** The index that serves all of them, and its order: the longest due first, then by `_id`. */
export const CLAIM_INDEX = { status: 1, "_pull.visible_at": 1, _id: 1 } as const;
export const CLAIM_ORDER = { "_pull.visible_at": 1, _id: 1 } as const;

/** The query for documents of one kind, with the user's own `filter` and-ed to it. */
export function claimable(kind: Kind | SuspectKind, filter?: Filter<Document>): Filter<Document> {
  return filter ? { $and: [CLAIMABLE[kind], filter] } : CLAIMABLE[kind];
}

/** The filter of every write by a holder: it misses whatever others changed, deleted or took over in flight. */
export function held(ids: readonly unknown[], token: string): Filter<Document> {
  const id = ids.length === 1 ? { $eq: ids[0] } : { $in: ids };
  return { _id: id as never, "_pull.token": token, status: "processing" };
}
