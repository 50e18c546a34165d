import { formatId } from "../../agent/store/documents/format_id.ts";
import { isForbidden } from "../../agent/store/mongo_errors.ts";
import type { DocumentsToRequeue } from "../../agent/store/requeue/documents_to_requeue.ts";
import type { Found } from "../../agent/store/requeue/found.ts";

/** Why a document was left alone. */
export type Left = Exclude<Found["standing"], "free"> | "changed";

/** The same for people. */
export const LEFT_TEXTS: Record<Left, string> = {
  leased: "being processed by an agent",
  judged: "about to become a dead letter",
  foreign_lease: "in processing by another program (--id takes it all the same)",
  foreign_status: "with a status that is not the agent's (--id takes it all the same)",
  foreign_pull: "with a field _pull that is not the agent's",
  unnameable: "with an _id that JavaScript cannot hold unchanged",
  waiting: "pending and due already",
  changed: "changed meanwhile",
};

/** What is set back although a selection leaves it alone, if it is named by its id. */
const BY_ID_ALONE: readonly Found["standing"][] = ["foreign_lease", "foreign_status"];

/** Sets the documents back to pending that it is given, with their letters, and counts. */
export class RequeueChange {
  readonly #documents: DocumentsToRequeue;
  readonly #options: RequeueChangeOptions;
  #count = 0;
  #isUnsure = false;

  constructor(documents: DocumentsToRequeue, options: RequeueChangeOptions) {
    this.#documents = documents;
    this.#options = options;
  }

  /** Documents that were set back. */
  get count(): number {
    return this.#count;
  }

  /** A write has failed, and may have been made in part: there may be more than were counted. */
  get isUnsure(): boolean {
    return this.#isUnsure;
  }

  /** Of these documents, those that may be set back; the others are left alone. */
  free(found: readonly Found[], isNamed: boolean): Found[] {
    const free: Found[] = [];
    for (const each of found) {
      const { standing } = each;
      if (standing === "free" || (isNamed && BY_ID_ALONE.includes(standing))) free.push(each);
      else this.#options.onLeft(each, standing, isNamed);
    }
    return free;
  }

  /**
   * Sets documents back. Throws what the driver throws.
   *
   * @param before one that has run at this time or later is left alone; undefined if each is named by its id
   */
  async setBack(found: readonly Found[], before: Date | undefined): Promise<void> {
    const isNamed = before === undefined;
    const { onLeft, onRefused } = this.#options;
    const free = this.free(found, isNamed);
    if (free.length === 0) return;
    const requeued = await this.#documents.requeue(free, before);
    const { changed, count, failure, refused } = requeued;
    this.#count += count;
    for (const [{ id }, why] of refused) onRefused(`${formatId(id)} was refused`, why);
    if (failure) {
      this.#isUnsure = !isForbidden(failure.cause);
      throw failure.cause;
    }
    for (const each of free.slice(0, changed)) onLeft(each, "changed", isNamed);
    for (const [{ id }, why] of await this.#documents.removeLetters(requeued)) {
      onRefused(`${formatId(id)} is requeued, and its dead letter stays, as its removal was refused`, why);
    }
  }
}

/** What a {@linkcode RequeueChange} reports. */
export interface RequeueChangeOptions {
  /** `what` was refused, such as `42 was refused`. */
  onRefused(what: string, why: unknown): void;
  onLeft(document: Found, left: Left, isNamed: boolean): void;
}
