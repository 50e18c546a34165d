/**
 * What the agent needs from outside, as small interfaces: other parts decide when it may claim, which documents it
 * gets, and what is done with each.
 */

import type { LeftAlone } from "./events.ts";
import type { Checkpoint, RunCheckpoints } from "./leases/run_checkpoints.ts";

export type { Checkpoint, LeftAlone };

/** A document of MongoDB, as the user knows it. */
// deno-lint-ignore no-explicit-any
export type Document = Record<string, any>;

/** A document that this agent holds a lease on. */
export interface LeasedDocument {
  /** `_id`, as the driver gives it. */
  readonly id: unknown;
  /** Stable for all attempts: `database.collection:_id`, the `_id` in canonical Extended JSON. */
  readonly idempotencyKey: string;
  /** Proof of ownership; all documents of one claim share it. */
  readonly token: string;
  /** The number of this run, 1 for the first. */
  readonly attempt: number;
  /** How often a processor has put the document off since it was inserted or redriven. */
  readonly snoozes: number;
  /** The checkpoint that the claim has found: how far an earlier run came. */
  readonly saved: Checkpoint | undefined;
  /**
   * The checkpoints of this run; undefined as long as it has made none. The last one is written with a renewal, or with
   * a nack, a release or a snooze.
   */
  checkpoints: RunCheckpoints | undefined;
  /** What the traces know of the document. The agent itself neither reads nor writes it. */
  traceNote: object | undefined;
  /** Size of the document's BSON, in bytes. */
  readonly sizeBytes: number;
  /**
   * By the monotonic clock: when the write was sent that gave the lease or last renewed it. MongoDB wrote the lease no
   * earlier, so that it lasts for `LEASE_DURATION` from then at least.
   */
  readonly leasedAtMs: number;
  /** Set if the document is a suspect: it may have ended the processes that held it, so it runs alone. */
  readonly suspect: Suspect | undefined;
  /** A lease on it has run out since an outcome was written, or since it was inserted or reset. */
  readonly wasTakenOver: boolean;
  /**
   * Set if no run can help: its leases expired too often while it was alone, or it cannot be read. The reason of its
   * dead letter.
   */
  readonly deadLetterReason: string | undefined;
  /** Set if an earlier holder had already decided that this document is a dead letter. */
  readonly verdict: Verdict | undefined;
  /**
   * The lease was renewed by a write that was sent at `sentAtMs`, by the monotonic clock: {@linkcode leasedAtMs} moves
   * on.
   */
  leaseRenewed(sentAtMs: number): void;
  /**
   * The text of a field of the document itself; undefined if the field is missing, is not text, or is longer than
   * `maxBytes`. Never throws.
   */
  shortText(field: string, maxBytes: number): string | undefined;
  /** A fresh copy of the document, without the agent's bookkeeping. Throws if JavaScript cannot hold one of its values. */
  read(): Document;
}

/** What is known of a suspect. */
export interface Suspect {
  /** Leases that expired while the document was processed with nothing else in flight. */
  readonly expiriesAlone: number;
}

/** A document that the database did not let us claim. */
export interface RefusedClaim {
  readonly id: unknown;
  readonly error: unknown;
  /** It is a dead letter now, because it cannot even take the bookkeeping. */
  readonly isDeadLetter?: boolean;
}

/** The decision that a document is a dead letter, as written on the document. */
export interface Verdict {
  /** Server time of the decision; the letter's identity. */
  readonly deadAt: Date;
  /** The error on the document, which its letter gives as the reason; undefined if there is no text. */
  readonly reason?: string;
}

/** At most this much may be claimed. */
export interface ClaimLimit {
  documents: number;
  bytes: number;
  /**
   * From a random place of the order, if there are documents behind the head, and new documents before others: those at
   * the head may have failed a moment ago.
   */
  atRandom?: true;
}

/** What a claim brought. */
export interface Claim {
  readonly documents: readonly LeasedDocument[];
  /**
   * If true, calling again at once may return documents: the batch was full, or, if it has no documents, other agents
   * took the candidates.
   */
  readonly hasMore: boolean;
  /** How many of the documents were taken over from an expired lease. */
  readonly takeovers: number;
  /** Candidates that another agent was faster to claim. */
  readonly conflicts: number;
  /** There are suspects: an agent that holds nothing should claim one. */
  readonly hasSuspects: boolean;
  readonly refused: readonly RefusedClaim[];
  /** Set if documents have to wait until others are settled. */
  readonly heldUp?: HeldUp | undefined;
  /** How many of the documents were claimed as new ones, in the agent's mode. All others are claimed alike in each mode. */
  readonly newDocuments?: number;
}

/** A claim that brought nothing. */
export const NOTHING_CLAIMED: Claim = {
  documents: [],
  hasMore: false,
  takeovers: 0,
  conflicts: 0,
  hasSuspects: false,
  refused: [],
};

/** Documents that cannot be claimed as long as another one of the same key of a unique index is in processing. */
export interface HeldUp {
  /** When to try again at the latest: other agents settle documents, too. */
  readonly retryInMs: number;
  /** What MongoDB said. */
  readonly error: unknown;
}

/** Writes the checkpoints of documents while their handlers run. */
export interface CheckpointSaver {
  /** A document that this agent holds has a new checkpoint: it is to be written soon. */
  saveSoon(document: LeasedDocument): void;
}

/**
 * A write that a processor asks for, besides what is written on its document. It is made once, in one transaction with
 * the ack.
 */
export type EffectWrite =
  & { readonly collection: string }
  & (
    | { readonly insertOne: Document }
    | {
      readonly updateOne: {
        readonly filter: Document;
        readonly update: Document | readonly Document[];
        readonly upsert?: boolean;
      };
    }
    | {
      readonly replaceOne: {
        readonly filter: Document;
        readonly replacement: Document;
        readonly upsert?: boolean;
      };
    }
    | { readonly deleteOne: { readonly filter: Document } }
  );

/** A document to ack, the fields that its processor wants written on it with the ack, and what else it wants written. */
export interface Ack {
  readonly document: LeasedDocument;
  readonly set?: Document | undefined;
  /** Absent or empty: a plain ack. */
  readonly writes?: readonly EffectWrite[] | undefined;
}

/** A document to nack: back to pending, due after `delayMs`. */
export interface Nack {
  readonly document: LeasedDocument;
  readonly error: string;
  readonly delayMs: number;
  /** Do not write the error: the database has refused it. */
  readonly withoutError?: boolean;
}

/** A document to put off: back to pending, due after `snoozeMs`. */
export interface Snooze {
  readonly document: LeasedDocument;
  readonly snoozeMs: number;
}

/** What became of a write that ends leases. */
export interface Settlement {
  /** How many of the documents this agent still held: they are written. */
  readonly matched: number;
  /**
   * The documents that were not. If it is not known which, all those that may be: then there are more of them than were
   * not matched. The documents that are not named here are written.
   */
  readonly missed: readonly LeasedDocument[];
}

/**
 * When the agent looks for what it cannot claim:
 *
 * - `busy`: more is there to claim. Only what claims have met counts, and what an earlier look found;
 * - `idle`: the next claim has time;
 * - `last`: the agent is about to say that nothing is left. It always looks, and leaves nothing out to save time.
 */
export type LookMoment = "busy" | "idle" | "last";

/**
 * Where documents come from and where their outcomes go.
 *
 * Every write but the claim is fenced by the lease: it changes nothing if this agent no longer has the lease. Writes
 * return what they matched; all methods throw what the database throws. `ack`, `ackWithWrites`, `nack`, `release` and `snooze` write
 * documents of any number of claims. They write all that can be written. Then they throw `RefusedWritesError` if the database
 * refused some, and `UnansweredWritesError` if only some have an answer. A write whose answer was lost throws a
 * transient error. If it is sent again, it misses what it has written already.
 *
 * The contract suite, `tests/contract/document_store.ts`, checks what is said here of each method, on each store.
 */
export interface DocumentStore {
  /**
   * Claims up to `limit`, and at least one document, however large. Documents of an earlier claim whose answer was lost
   * come first. Of each kind (retries, expired leases, new documents) those that are due longest come first, then in
   * the order of `_id`. A new document and a retry get an attempt; a takeover inherits the attempt of the expired
   * lease. Suspects are left to {@linkcode DocumentStore.claimSuspect}, unless no handler is to see them again.
   */
  claim(limit: ClaimLimit): Promise<Claim>;
  /**
   * Claims one suspect, for an agent that holds nothing else; nothing if there is none any more. An expired lease
   * counts as an attempt if the document was alone, up to `MAX_ATTEMPTS`. A suspect whose claim had no answer is set
   * back to pending by the next `claim` or `recover`.
   */
  claimSuspect(): Promise<Claim>;
  /**
   * The documents that wait and cannot be claimed, with an entry per reason; undefined if the last look was a moment
   * ago.
   */
  leftAlone(moment: LookMoment): Promise<readonly LeftAlone[] | undefined>;
  /**
   * Notes on a suspect that its handler starts alone, right before it starts. However often it is sent, it counts once.
   * Returns 0 if the lease is over: lost, or expired.
   */
  markRunningAlone(document: LeasedDocument): Promise<number>;
  /** Documents of a claim whose answer was lost, once: a claim finds them by itself, a drain asks for them. */
  recover(): Promise<readonly LeasedDocument[]>;
  /** Marks documents as processed, and removes the error of an earlier attempt. */
  ack(acks: readonly Ack[]): Promise<Settlement>;
  /**
   * Marks documents as processed as {@linkcode DocumentStore.ack} does, and makes the writes that their processors ask for:
   * of each document all, or nothing. What is refused of one document keeps no other from being written. It throws
   * `UnansweredWritesError` whenever some are not written or may not be, as that names those that are not for certain, and
   * those that are refused. One call at a time.
   */
  ackWithWrites(acks: readonly Ack[]): Promise<Settlement>;
  /** Sets documents back to pending, each with its error and due after its delay. That clears the suspicion. */
  nack(nacks: readonly Nack[]): Promise<Settlement>;
  /** Sets documents back to pending, due at once, as if they had not been claimed. A suspect stays one. */
  release(documents: readonly LeasedDocument[]): Promise<Settlement>;
  /**
   * Sets documents back to pending as {@linkcode DocumentStore.release} does, but due after their wait, and counts that
   * they were put off.
   */
  snooze(snoozes: readonly Snooze[]): Promise<Settlement>;
  /**
   * Renews the leases, and writes the last checkpoint of each document that has one that is not written. If the
   * database refuses a checkpoint, the lease is renewed without it. Calls {@linkcode LeasedDocument.leaseRenewed} of
   * each document whose lease stands, even if it throws then, and returns the documents whose lease this agent has lost.
   */
  renew(documents: readonly LeasedDocument[]): Promise<readonly LeasedDocument[]>;
  /** Which of the documents an operator has canceled; each has no lease any more. */
  canceled(documents: readonly LeasedDocument[]): Promise<readonly LeasedDocument[]>;
  /**
   * Writes verdict, copy and mark. A verdict that stands on the document already is not replaced. Returns 0 if the lease
   * was lost before the verdict, or if all is written already.
   */
  deadLetter(document: LeasedDocument, error: string): Promise<number>;
  /** Copy and mark of a verdict that an earlier holder had written. Returns 0 if the lease is lost. */
  finishVerdict(document: LeasedDocument): Promise<number>;
  /**
   * Keeps a document from the claims of this agent for a while, longer each time, because the database lets nothing
   * more be written on it, or not what became of it.
   */
  exclude(document: LeasedDocument, error: unknown): void;
  /** Whether the same call may succeed later: an outage, a failover, a timeout. */
  isTransient(error: unknown): boolean;
  /** Whether the document may not be at fault for a refusal: see `Doubts`. */
  isDoubtful(error: unknown): boolean;
  /**
   * Whether the agent lacks the right to do it, or the server what it takes. That is no document's fault, and does not pass
   * by itself.
   */
  isForbidden(error: unknown): boolean;
}
