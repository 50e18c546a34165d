import type { Document } from "mongodb";
import type { Bookkeeping } from "../documents/bookkeeping.ts";
import type { Kind, SuspectKind } from "../queries.ts";
import type { FoundInOther, FoundLetters } from "./letter_search.ts";
import type { Clause } from "./query_clauses.ts";
import type { StoredFacts, StoredValue } from "./stored_facts.ts";
import type { WriteProblem } from "./write_problem.ts";

/** Why no claim takes a document now. */
export type Obstacle =
  | { readonly what: "status"; readonly meant: string | undefined }
  | { readonly what: "processed" }
  | { readonly what: "canceled" }
  | { readonly what: "failed"; readonly letterIn: string | undefined }
  | {
    readonly what: "scheduled";
    readonly until: Date;
    readonly because: "producer" | "retry" | "snooze" | "either";
  }
  | { readonly what: "never_due" }
  | { readonly what: "leased"; readonly until: Date }
  | { readonly what: "in_range"; readonly until: Date }
  | { readonly what: "endless_lease" }
  | { readonly what: "foreign_lease" }
  | { readonly what: "foreign_pull" }
  | { readonly what: "filter"; readonly gaps: readonly FilterGap[] }
  | { readonly what: "unnameable_id" }
  | WriteProblem
  | { readonly what: "unknown" };

/** A clause of `FILTER` that does not match. */
export interface FilterGap {
  readonly clause: Clause;
  /** What the document has at the path that the clause asks for; undefined if it has nothing there. */
  readonly found: StoredValue | undefined;
}

/** What an agent would do with a document after its claim. */
export type AfterClaim = "run" | "run_alone" | "finish_verdict" | "dead_letter";

/** The story of one document, as far as the database tells it. */
export interface Story {
  readonly database: string;
  readonly collection: string;
  readonly lettersCollection: string;
  /** `_id`, as the driver gives it. */
  readonly id: unknown;
  /** The `_id` is not what was typed, only near to it. */
  readonly isNear: boolean;
  /** Whether a query can name its `_id`. */
  readonly isNameable: boolean;
  /** Finds the document alone, also if no query can name its `_id`. */
  readonly selector: Document;
  readonly bytes: number;
  readonly facts: StoredFacts;
  readonly bookkeeping: Bookkeeping | undefined;
  /** Why JavaScript cannot hold the document; undefined if it can. */
  readonly unreadable: string | undefined;
  /** The server's time. */
  readonly now: Date;
  /** As which kind a claim finds it now; undefined if no claim does. */
  readonly kind: Kind | SuspectKind | undefined;
  /** None if a claim takes it. */
  readonly obstacles: readonly Obstacle[];
  readonly afterClaim: AfterClaim;
  /** How many documents claims take before it, counted up to a limit; undefined if that is not known. */
  readonly before: number | undefined;
  readonly letters: FoundLetters;
  /** It changed each time that it was read. */
  readonly isChanging: boolean;
}

/** That there is no document with an id, and what is known of it all the same. */
export interface MissingStory {
  readonly database: string;
  readonly collection: string;
  readonly lettersCollection: string;
  /** As it was typed. */
  readonly text: string;
  /** A letter of a document with this id, and its `_id`. */
  readonly letter: { readonly id: unknown; readonly letters: FoundLetters } | undefined;
  readonly inOthers: readonly FoundInOther[];
}

/** Documents that are counted before another one, at most. */
export const MAX_BEFORE = 10_000;
