import type { ClaimLimit, LeasedDocument } from "../../ports.ts";
import type { MongoLeasedDocument } from "../documents/leased_document.ts";
import type { Kind } from "../queries.ts";
import type { RemainingLimit } from "./remaining_limit.ts";

/** What was claimed of one kind of documents. */
export interface Taken {
  readonly documents: readonly MongoLeasedDocument[];
  /** There may be more of the kind. */
  readonly hasMore: boolean;
  /** Candidates that other agents were faster to claim. */
  readonly conflicts: number;
}

/** What one call of `claim()` has taken so far, and how much of its limit is left. */
export class ClaimBatch {
  readonly documents: LeasedDocument[] = [];
  hasMore = false;
  takeovers = 0;
  newDocuments = 0;
  conflicts = 0;
  #documentsLeft: number;
  #bytesLeft: number;

  constructor(limit: ClaimLimit) {
    this.#documentsLeft = limit.documents;
    this.#bytesLeft = limit.bytes;
  }

  get isEmpty(): boolean {
    return this.documents.length === 0;
  }

  get isFull(): boolean {
    return this.#documentsLeft <= 0 || this.#bytesLeft <= 0;
  }

  get remaining(): RemainingLimit {
    return { documents: this.#documentsLeft, bytes: this.#bytesLeft, isEmpty: this.isEmpty };
  }

  /** Adds what was taken, as documents of `kind` if it is known. */
  add({ documents, hasMore, conflicts }: Taken, kind?: Kind): void {
    this.documents.push(...documents);
    this.#documentsLeft -= documents.length;
    for (const { sizeBytes } of documents) this.#bytesLeft -= sizeBytes;
    if (kind === "expired_leases") this.takeovers += documents.length;
    if (kind === "new_documents") this.newDocuments += documents.length;
    this.hasMore ||= hasMore;
    this.conflicts += conflicts;
  }
}
