import type { Document, Filter } from "mongodb";

/** Which documents may be claimed, in order of preference. */
export type Kind = "due_retries" | "expired_leases" | "new_documents";
export const KINDS: readonly Kind[] = ["due_retries", "expired_leases", "new_documents"];
/** Documents that are claimed one by one, by an agent that holds nothing else. */
export type SuspectKind = "due_suspects" | "expired_suspects";

/** The latest date that JavaScript knows; the earliest that a server knows is beyond it. */
const LAST_DATE = new Date(8.64e15);

/** The earliest date that JavaScript knows. */
const FIRST_DATE = new Date(-8.64e15);

/** No verdict of an agent's: what else a user or another program may have left in the field is none. */
export const UNJUDGED: Filter<Document> = {
  $nor: [{ "_pull.dead_at": { $gte: FIRST_DATE, $lte: LAST_DATE } }],
};

/** Holds a date: it is due, or will be. A field that is missing or of another type is less than no date. */
const SCHEDULED = { "_pull.visible_at": { $lte: LAST_DATE } };

/**
 * Due by the server's clock. The comparison alone also matches a missing field, which is less than any date; the first
 * condition keeps such documents out and gives the index its range.
 */
const DUE = { ...SCHEDULED, $expr: { $lte: ["$_pull.visible_at", "$$NOW"] } };

/** `processing` without a token is not a lease of an agent: another program works on it. */
const EXPIRED = { status: "processing", "_pull.token": { $exists: true }, ...DUE };

/** A lease that an agent holds, or one that ran out less than `graceMs` ago: an agent is about to take it over. */
export function heldLease(graceMs: number): Filter<Document> {
  return {
    status: "processing",
    "_pull.token": { $exists: true },
    $expr: { $gt: ["$_pull.visible_at", { $subtract: ["$$NOW", graceMs] }] },
  };
}

/** Expired leases that a document may see while others are in flight beside it; from the next on it is a suspect. */
const TAKEOVERS_IN_COMPANY = 1;
/** Leases that may expire while the document was processed alone; then it is a dead letter. */
export const EXPIRIES_ALONE = 2;

/**
 * Whether an expired lease is to be taken over alone: this would be its second takeover, or it was alone before. Not
 * if its outcome is decided (a verdict, or as many expiries while alone as end it): no handler runs on it again.
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
const HAS_FOREIGN_PULL: Filter<Document> = { _pull: { $exists: true, $not: { $type: "object" } } };

/** Suspicion counts only if the small index has the document: otherwise no query would find it. */
const LEASE_ALONE: Filter<Document> = { $and: [TAKEN_OVER, SUSPECT_LEASE] };
const PENDING_ALONE: Filter<Document> = { $and: [TAKEN_OVER, SUSPECT_PENDING] };

/**
 * One query a kind: each is one range of the same index, and whether a document is a suspect is looked at on what the
 * range holds. An `$or` over kinds would be no range at all.
 */
const CLAIMABLE: Record<Kind | SuspectKind, Filter<Document>> = {
  due_retries: { status: "pending", ...DUE, $nor: [PENDING_ALONE] },
  expired_leases: { ...EXPIRED, $nor: [LEASE_ALONE] },
  new_documents: { status: "pending", "_pull.visible_at": null, $nor: [HAS_FOREIGN_PULL] },
  due_suspects: { $and: [TAKEN_OVER, { status: "pending", ...DUE, ...SUSPECT_PENDING }] },
  expired_suspects: { $and: [TAKEN_OVER, { ...EXPIRED, ...SUSPECT_LEASE }] },
};

/** Every BSON type but dates, which are scheduled, null and missing, which are new, and arrays, which hold the others. */
const UNSCHEDULED_TYPES = [
  ...["double", "string", "object", "binData", "undefined", "objectId", "bool", "regex", "dbPointer"],
  ...[
    "javascript",
    "symbol",
    "javascriptWithScope",
    "int",
    "timestamp",
    "long",
    "decimal",
    "minKey",
    "maxKey",
  ],
] as const;

const VISIBLE_AT = "_pull.visible_at";

/** Why documents wait that no claim can take: what to look for, and what to say of it. */
export interface Unclaimable {
  readonly query: Filter<Document>;
  readonly reason: string;
}

/** Those whose `_pull` is the user's own. Most lie where new documents do. */
const FOREIGN_PULL: Unclaimable = {
  query: { status: "pending", [VISIBLE_AT]: { $exists: false }, ...HAS_FOREIGN_PULL },
  reason: "Its field _pull is not the agent's (it is not an embedded document): remove or rename the field",
};

/** What is neither new nor scheduled: the exact complement of both, so that no state is left out. */
const NEVER: Filter<Document> = { $nor: [{ [VISIBLE_AT]: null }, SCHEDULED] };
const NEVER_REASON = "Its field _pull.visible_at is no date that can come: set it to a date, or remove _pull";

/** As far as ranges of the index say it: all but arrays within an array. */
const NEVER_BY_TYPE: Filter<Document> = {
  ...NEVER,
  $or: [
    { [VISIBLE_AT]: { $type: UNSCHEDULED_TYPES as unknown as string[] } },
    { [VISIBLE_AT]: { $eq: [] } },
    { [VISIBLE_AT]: { $gt: LAST_DATE } },
  ],
};

/** A lease of an agent's that can never run out. */
const ENDLESS_LEASE = { status: "processing", "_pull.token": { $exists: true } };

/**
 * What no claim will ever find. A thorough look also finds what no range of the index holds, for which it reads all that
 * is scheduled.
 */
export function unclaimable(isThorough: boolean): readonly Unclaimable[] {
  const never = isThorough ? NEVER : NEVER_BY_TYPE;
  return [
    FOREIGN_PULL,
    { query: { status: "pending", ...never }, reason: NEVER_REASON },
    { query: { ...ENDLESS_LEASE, ...never }, reason: NEVER_REASON },
  ];
}

/** Whether a document still waits for an agent. */
export const WAITING: Filter<Document> = { $or: [{ status: "pending" }, EXPIRED] };

/** The index that serves all of them, and its order: the longest due first, then by `_id`. */
export const CLAIM_INDEX = { status: 1, "_pull.visible_at": 1, _id: 1 } as const;
export const CLAIM_ORDER = { "_pull.visible_at": 1, _id: 1 } as const;

/** The query for documents of one kind, with the user's own `filter` and-ed to it. */
export function claimable(kind: Kind | SuspectKind, filter?: Filter<Document>): Filter<Document> {
  return filter ? { $and: [CLAIMABLE[kind], filter] } : CLAIMABLE[kind];
}

/** The filter of every write by a holder: it misses what others changed, deleted or took over in flight. */
export function leasedBy(ids: readonly unknown[], token: string): Filter<Document> {
  const id = ids.length === 1 ? { $eq: ids[0] } : { $in: ids };
  return { _id: id as never, "_pull.token": token, status: "processing" };
}
