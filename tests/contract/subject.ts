import type { Checkpoint, Document, DocumentStore } from "../../agent/ports.ts";

/** Attempts of a document in the contract suite, and how long a lease lasts there, in milliseconds. */
export const MAX_ATTEMPTS = 5;
export const LEASE_MS = 60_000;

/** The collection that writes of processors go to. */
export const TARGET = "targets";

/** A document as a case puts it into the collection. Without anything else it is pending and new. */
export interface Given {
  id: string;
  /** Fields of the user's own. */
  fields?: Document;
  /** It is scheduled, or waits for its retry: when it is due, in milliseconds from now. */
  dueInMs?: number;
  /** An agent that is gone holds a lease on it; the bookkeeping that it has left behind. */
  expired?: { attempts?: number; takeovers?: number; alone?: number };
  /** An earlier holder has decided, for this reason, that it is a dead letter. */
  verdict?: string;
}

/** A document as it lies in the collection. */
export interface Stored {
  status: string;
  attempts: number;
  takeovers: number;
  snoozes: number;
  /** The last checkpoint of its runs. */
  saved: Checkpoint | undefined;
  alone: number;
  /** It carries a token. */
  isLeased: boolean;
  error: string | undefined;
  /** Fields of the user's own. */
  fields: Document;
}

/** Writes whose answer a case can have lost; `save` is a renewal with checkpoints. */
export type Lossy =
  | "claim"
  | "claimSuspect"
  | "ack"
  | "ackWithWrites"
  | "release"
  | "snooze"
  | "renew"
  | "save";

/** A store under test, and its collection as other programs see it. */
export interface Subject extends AsyncDisposable {
  readonly store: DocumentStore;
  /** The store of another agent on the same collection. */
  readonly other: DocumentStore;
  /** An error of each kind that the store tells apart, and one that is none of them. */
  readonly errors: Record<"transient" | "doubtful" | "forbidden" | "other", unknown>;
  insert(...given: Given[]): Promise<void>;
  stored(id: string): Promise<Stored>;
  /** The reason that the dead letter of a document gives; undefined if there is none. */
  letter(id: string): Promise<string | undefined>;
  /** The documents of {@linkcode TARGET}, in the order of their ids. */
  targets(): Promise<Document[]>;
  /** Lets the lease on a document run out. */
  expireLease(id: string): Promise<void>;
  /** An operator cancels the document. */
  cancel(id: string): Promise<void>;
  /** Has the next such call of `store` applied, and its answer lost. */
  loseAnswer(method: Lossy): void;
  /** From now on the database refuses each write that ends the lease on this document. */
  refuse(id: string): Promise<void>;
}
