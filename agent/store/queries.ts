import type { Document, Filter } from "mongodb";
import { atTime, NOW, type ServerTime } from "./server/server_time.ts";

/** Which documents may be claimed, in order of preference. */
export type Kind = "due_retries" | "expired_leases" | "new_documents";
export const KINDS: readonly Kind[] = ["due_retries", "expired_leases", "new_documents"];
/** Documents that are claimed one by one, by an agent that holds nothing else. */
export type SuspectKind = "due_suspects" | "expired_suspects";
export const SUSPECT_KINDS: readonly SuspectKind[] = ["due_suspects", "expired_suspects"];

/** Whether documents of a kind are claimed one by one. */
export function isSuspectKind(kind: Kind | SuspectKind): kind is SuspectKind {
  return kind === "due_suspects" || kind === "expired_suspects";
}

/** Whether a claim of documents of a kind takes them over from another holder: they are in processing already. */
export function isTakeover(kind: Kind | SuspectKind): boolean {
  return kind === "expired_leases" || kind === "expired_suspects";
}

const VISIBLE_AT = "_pull.visible_at";

/** The latest date that JavaScript knows; the earliest that a server knows is beyond it. */
export const LAST_DATE = new Date(8.64e15);

/** The earliest date that JavaScript knows. */
const FIRST_DATE = new Date(-8.64e15);

/**
 * A value that is not an agent's verdict: a user or another program has left it in the field. A condition on a list is
 * met by its entries, of which any may be a date.
 */
export const UNJUDGED: Filter<Document> = {
  $nor: [{ "_pull.dead_at": { $gte: FIRST_DATE, $lte: LAST_DATE, $not: { $type: "array" } } }],
};

/**
 * A date: the document is due, or will be. In the order of the index, a missing field or another type is less than any
 * date.
 */
const SCHEDULED = { "_pull.visible_at": { $lte: LAST_DATE } };

/** The user has a field with the name of our bookkeeping: nothing can be written into it. */
const HAS_FOREIGN_PULL: Filter<Document> = { _pull: { $exists: true, $not: { $type: "object" } } };

/** The conditions that the queries of claims are made of. */
export const CLAUSES = {
  pending: { status: "pending" },
  processing: { status: "processing" },
  /** `processing` without a token is not a lease of an agent: another program works on it. */
  hasToken: { "_pull.token": { $exists: true } },
  scheduled: SCHEDULED,
  /** Also matches a missing field, which is less than any date. */
  isPast: { $expr: { $lte: ["$_pull.visible_at", NOW] } },
  unscheduled: { "_pull.visible_at": null },
  hasNoForeignPull: { $nor: [HAS_FOREIGN_PULL] },
} as const satisfies Record<string, Filter<Document>>;
export type ClauseName = keyof typeof CLAUSES;

/** Due by the server's clock. The first condition gives the index its range. */
const DUE = { ...CLAUSES.scheduled, ...CLAUSES.isPast };

const EXPIRED = { ...CLAUSES.processing, ...CLAUSES.hasToken, ...DUE };

/** A lease that an agent holds, or one that ran out less than `graceMs` ago: an agent is about to take it over. */
export function heldLease(graceMs: number, time: ServerTime): Filter<Document> {
  return {
    ...CLAUSES.processing,
    ...CLAUSES.hasToken,
    $expr: { $gt: ["$_pull.visible_at", { $subtract: [time, graceMs] }] },
  };
}

/**
 * Leases that may expire while other documents are in flight beside the document. From the next one on it is a suspect.
 */
const TAKEOVERS_IN_COMPANY = 1;
/** Leases that may expire while the document was processed alone; then it is a dead letter. */
export const EXPIRIES_ALONE = 2;

/**
 * Whether an expired lease is to be taken over alone: this would be its second takeover, or it was alone before. If the
 * outcome is decided (a verdict, or enough expiries while alone), it is not: no handler runs on the document again.
 */
const SUSPECT_LEASE: Filter<Document> = {
  $or: [{ "_pull.takeovers": { $gte: TAKEOVERS_IN_COMPANY } }, { "_pull.alone": { $gte: 1 } }],
  "_pull.alone": { $not: { $gte: EXPIRIES_ALONE } },
  "_pull.dead_at": { $exists: false },
};

/** Whether a pending document is still a suspect: a release keeps the suspicion, a nack clears it. */
const SUSPECT_PENDING: Filter<Document> = {
  $or: [{ "_pull.takeovers": { $gt: TAKEOVERS_IN_COMPANY } }, { "_pull.alone": { $gte: 1 } }],
};

/**
 * A small index of documents that were taken over, so that a look for suspects need not read everything that is due. A
 * document that is processed or fails leaves it.
 */
export const TAKEOVER_INDEX = { "_pull.takeovers": 1, "_pull.visible_at": 1 } as const;
export const TAKEN_OVER = { "_pull.takeovers": { $gte: TAKEOVERS_IN_COMPANY } } as const;

/** A document counts as a suspect only if the small index has it: otherwise no query would find it. */
const LEASE_ALONE: Filter<Document> = { $and: [TAKEN_OVER, SUSPECT_LEASE] };
const PENDING_ALONE: Filter<Document> = { $and: [TAKEN_OVER, SUSPECT_PENDING] };

/**
 * A query per kind. Each is one range of the same index; whether a document is a suspect is checked on the documents of
 * the range. An `$or` over the kinds would not be a range.
 */
const CLAIMABLE: Record<Kind | SuspectKind, Filter<Document>> = {
  due_retries: { ...CLAUSES.pending, ...DUE, $nor: [PENDING_ALONE] },
  expired_leases: { ...EXPIRED, $nor: [LEASE_ALONE] },
  new_documents: { ...CLAUSES.pending, ...CLAUSES.unscheduled, ...CLAUSES.hasNoForeignPull },
  due_suspects: { $and: [TAKEN_OVER, { ...CLAUSES.pending, ...DUE, ...SUSPECT_PENDING }] },
  expired_suspects: { $and: [TAKEN_OVER, { ...EXPIRED, ...SUSPECT_LEASE }] },
};

/** How all documents of a kind that wait are found, suspects among them. */
export interface WaitingQuery {
  /** As a claim finds them. */
  readonly exact: Filter<Document>;
  /** The same, as far as the keys of the index tell it: no document needs to be read. */
  readonly byKeys: Filter<Document>;
  /** Whether these documents are due at a time that stands on them. */
  readonly isScheduled: boolean;
}

/** The queries for all that could be claimed at a time of the server's clock, for those who count. */
export function waitingAt(now: Date): readonly WaitingQuery[] {
  const due = { ...CLAUSES.pending, [VISIBLE_AT]: { $lte: now } };
  const fresh = { ...CLAUSES.pending, ...CLAUSES.unscheduled };
  const expired = { ...CLAUSES.processing, ...CLAUSES.hasToken, [VISIBLE_AT]: { $lte: now } };
  return [
    { exact: due, byKeys: due, isScheduled: true },
    { exact: expired, byKeys: expired, isScheduled: true },
    { exact: { ...fresh, ...CLAUSES.hasNoForeignPull }, byKeys: fresh, isScheduled: false },
  ];
}

/** Pending documents whose time is to come, as far as the keys of the index tell it. */
export function scheduledAt(now: Date): Filter<Document> {
  return { ...CLAUSES.pending, [VISIBLE_AT]: { $gt: now, $lte: LAST_DATE } };
}

/** Documents in processing whose lease has not run out, as far as the keys of the index tell it. */
export function heldAt(now: Date): Filter<Document> {
  return { ...CLAUSES.processing, [VISIBLE_AT]: { $gt: now, $lte: LAST_DATE } };
}

/** Every BSON type except four: dates (scheduled), null and missing (new), and arrays, which hold other values. */
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

/** Why documents wait that no claim can take: the query for them, and the text of the reason. */
export interface Unclaimable {
  readonly query: Filter<Document>;
  readonly reason: string;
}

/** Documents with a `_pull` of the user's own. Most are in the same range of the index as new documents. */
const FOREIGN_PULL: Unclaimable = {
  query: { status: "pending", [VISIBLE_AT]: { $exists: false }, ...HAS_FOREIGN_PULL },
  reason: "Its field _pull is not the agent's (it is not an embedded document): remove or rename the field",
};

/** Documents that are neither new nor scheduled: the exact complement of both, so that no state is left out. */
const NEVER: Filter<Document> = { $nor: [{ [VISIBLE_AT]: null }, SCHEDULED] };
const NEVER_REASON = "Its field _pull.visible_at is no date that can come: set it to a date, or remove _pull";

/** The same as far as ranges of the index tell it: all but arrays within an array. */
const NEVER_BY_TYPE: Filter<Document> = {
  ...NEVER,
  $or: [
    { [VISIBLE_AT]: { $type: UNSCHEDULED_TYPES as unknown as string[] } },
    { [VISIBLE_AT]: { $eq: [] } },
    { [VISIBLE_AT]: { $gt: LAST_DATE } },
  ],
};

/** An agent's lease that can never run out. */
const ENDLESS_LEASE = { ...CLAUSES.processing, ...CLAUSES.hasToken };

/**
 * Documents that no claim will ever find. A thorough look also finds those that no range of the index holds: it reads
 * all scheduled documents.
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
export function waitingFor(time: ServerTime): Filter<Document> {
  return atTime<Filter<Document>>({ $or: [{ status: "pending" }, EXPIRED] }, time);
}

/** The index that serves all of these queries, and its order: the longest due first, then by `_id`. */
export const CLAIM_INDEX = { status: 1, "_pull.visible_at": 1, _id: 1 } as const;
export const CLAIM_ORDER = { "_pull.visible_at": 1, _id: 1 } as const;

/** The query for documents of one kind, with the user's own `filter` and-ed to it. */
export function claimable(
  kind: Kind | SuspectKind,
  time: ServerTime,
  filter?: Filter<Document>,
): Filter<Document> {
  const query = atTime(CLAIMABLE[kind], time);
  return filter ? { $and: [query, filter] } : query;
}

/**
 * The filter of every write by a holder. It does not match if another program changed or deleted the document, or
 * another agent took it over.
 */
export function leasedBy(ids: readonly unknown[], token: string): Filter<Document> {
  const id = ids.length === 1 ? { $eq: ids[0] } : { $in: ids };
  return { _id: id as never, "_pull.token": token, status: "processing" };
}
