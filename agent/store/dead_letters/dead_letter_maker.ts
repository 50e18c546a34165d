import { validDate } from "../../lib/valid_date.ts";
import type { Document, Filter, UpdateFilter } from "mongodb";
import type { LeasedDocument, RefusedClaim } from "../../ports.ts";
import { isRefused, isTooLarge, isUnsupported } from "../mongo_errors.ts";
import { failure } from "../outcomes/ack_nack_release.ts";
import { heldBy } from "../held_by.ts";
import { newAmong } from "../ranges/new_documents.ts";
import { leasedBy, UNJUDGED, waitingFor } from "../queries.ts";
import { type Failures, writeLetter } from "./letter_writer.ts";
import type { DeadLetterOptions } from "./options.ts";
import { NOW } from "../server/server_time.ts";
import { lettersOf, OtherLetterError } from "./letters_of.ts";

/**
 * Makes dead letters, in three writes: the verdict on the document, the letter, and the mark `failed`. A crash between
 * any two is finished by the agent that takes the lease over, as the verdict on the document tells it to.
 *
 * A document may take no verdict, because it has no room or the database does not allow it. Then the document stays in
 * the collection: its letter refers to it and holds the verdict alone. After a crash before its mark, the next agent
 * that meets the document finishes it.
 */
export class DeadLetterMaker {
  readonly #options: DeadLetterOptions;

  constructor(options: DeadLetterOptions) {
    this.#options = options;
  }

  /**
   * Makes a dead letter of a held document. Returns 0 if the lease was lost before the verdict: then there is none.
   *
   * @throws {LetterRefusedError} If the letters' collection takes no letter of it.
   */
  async make(document: LeasedDocument, error: string): Promise<number> {
    const at = this.#options.serverClock.now();
    const verdict = await this.#writeVerdict(document, { error }, failure(document, error, at));
    const failures = { error, errors: [{ at, attempt: document.attempt, message: error }] };
    return verdict ? await this.#writeAndMark(document, verdict, failures) : 0;
  }

  /**
   * Letter and mark of a verdict that an earlier holder had written on the document.
   *
   * @throws {LetterRefusedError} As {@linkcode DeadLetterMaker.make} does.
   */
  async finish(document: LeasedDocument): Promise<number> {
    const verdict = await this.#readVerdict(leasedBy([document.id], document.token));
    return verdict?.isOnDocument ? await this.#writeAndMark(document, verdict, undefined) : 0;
  }

  /** Makes dead letters of the documents that are too large to take the bookkeeping of a claim. Never throws. */
  async makeOfRefused(claims: readonly RefusedClaim[]): Promise<RefusedClaim[]> {
    return await Promise.all(claims.map(async (claim) => {
      if (!isTooLarge(claim.error)) return claim;
      // If this fails, the other documents of the claim must not be lost: this one is met again.
      try {
        return { ...claim, isDeadLetter: await this.#makeOfOversize(claim.id), error: TOO_LARGE };
      } catch (error) {
        return {
          ...claim,
          isDeadLetter: false,
          error: error instanceof OtherLetterError ? error : TOO_LARGE,
        };
      }
    }));
  }

  /**
   * Makes dead letters of new documents that are too large for bookkeeping: their status alone tells it. A crash before that
   * leaves a document new. What the database refuses for another reason is left as it is: that may pass. Never throws.
   */
  async makeOfNew(refused: readonly RefusedClaim[]): Promise<RefusedClaim[]> {
    const made: RefusedClaim[] = [];
    for (const { id, error } of refused) {
      if (!isTooLarge(error)) {
        made.push({ id, error, isDeadLetter: false });
        continue;
      }
      try {
        const failures = { error: TOO_LARGE, errors: [] };
        const matched = await this.#makeByStatus(id, newAmong([id]), { attempts: 0, failures });
        if (matched > 0) made.push({ id, error: TOO_LARGE, isDeadLetter: true });
      } catch (refusal) {
        made.push({
          id,
          error: refusal instanceof OtherLetterError ? refusal : TOO_LARGE,
          isDeadLetter: false,
        });
      }
    }
    return made;
  }

  /**
   * The same of a document that this agent holds in a range, after a run that failed for good. Returns 0 if it holds it no
   * more.
   *
   * @throws {LetterRefusedError} As {@linkcode DeadLetterMaker.make} does.
   */
  async makeWithoutLease(document: LeasedDocument, error: string): Promise<number> {
    const { attempt: attempts, id } = document;
    const errors = [{ at: this.#options.serverClock.now(), attempt: attempts, message: error }];
    return await this.#makeByStatus(id, heldBy([document]), { attempts, failures: { error, errors } });
  }

  async #makeByStatus(
    id: unknown,
    held: Filter<Document>,
    content: { attempts: number; failures: Failures },
  ): Promise<number> {
    const verdict = await this.#readVerdict(held);
    if (!verdict) return 0;
    const { deadAt } = verdict;
    await writeLetter({ id, deadAt, ...content }, this.#options);
    const matched = await this.#mark(held, [LEASE]);
    if (matched === 0) await this.#removeStale(id, deadAt, { status: "failed" });
    return matched;
  }

  /**
   * No lease of this agent protects the document. Another agent that can claim it, or a holder that was frozen, may
   * decide in between: its decision counts, and neither letter nor mark undoes it.
   */
  async #makeOfOversize(id: unknown): Promise<boolean> {
    const waiting = { _id: { $eq: id } as never, ...waitingFor(this.#options.server.time) };
    const verdict = await this.#readVerdict(waiting);
    if (!verdict) return false;
    const { deadAt, seenAt, isOnDocument } = verdict;
    const failures = { error: TOO_LARGE, errors: [] };
    await writeLetter({ id, deadAt, attempts: 0, failures }, this.#options);
    const isSameVerdict = isOnDocument ? { "_pull.dead_at": deadAt } : UNJUDGED;
    // A claim, a renewal, a release and a redrive write a later time.
    const isUntouched = { $nor: [{ "_pull.visible_at": { $gt: seenAt } }] };
    const untouched = { ...waiting, $and: [isSameVerdict, isUntouched] };
    return await this.#mark(untouched, [LEASE]) > 0;
  }

  /**
   * Writes the verdict on a held document, unless it has one: a retry must neither change the letter's identity nor add
   * the same error again. If the database does not let the document take the verdict with its error, it gets one
   * without the error, or none. Then it is read: sharded clusters before 7.1 and compatible servers have no
   * `findAndModify` that goes by the index of `_id`. Undefined if the lease is lost. No user data is read.
   */
  async #writeVerdict(
    { id, token }: LeasedDocument,
    $set: Document,
    $push: Document,
  ): Promise<Verdict | undefined> {
    const held = leasedBy([id], token);
    for (const noted of [{ $set, $push }, {}] as UpdateFilter<Document>[]) {
      try {
        await this.#options.collection.updateOne(
          { ...held, ...UNJUDGED },
          { ...noted, $currentDate: { "_pull.dead_at": true } },
          { hint: { _id: 1 } },
        );
        break;
      } catch (refusal) {
        if (!isRefused(refusal) || isUnsupported(refusal)) throw refusal;
        if (isTooLarge(refusal)) break;
      }
    }
    return await this.#readVerdict(held);
  }

  /**
   * The verdict on a document, or one for its letter alone if the document still is what `query` asks for.
   *
   * If no verdict on the document comes before the letter, the letter gets the server's time at this look. So it is
   * never newer than a letter that another agent writes after this one has lost the document. No user data is read.
   */
  async #readVerdict(query: Filter<Document>): Promise<Verdict | undefined> {
    const { collection, maxTimeMS, server: { time } } = this.#options;
    const seen = await collection.findOne(query, {
      projection: { _id: 0, "_pull.dead_at": 1, ...(time === NOW && { now: NOW }) },
      hint: { _id: 1 },
      maxTimeMS,
    });
    if (!seen) return undefined;
    // A time from before the look is not newer than it either.
    const { _pull: { dead_at: deadAt } = {}, now = time } = seen;
    const isOnDocument = isDate(deadAt);
    return { deadAt: isOnDocument ? deadAt : now, seenAt: now, isOnDocument };
  }

  async #writeAndMark(
    document: LeasedDocument,
    { deadAt, isOnDocument }: Verdict,
    failures: Failures | undefined,
  ): Promise<number> {
    const { id, token, attempt: attempts } = document;
    const held = leasedBy([id], token);
    const content = isOnDocument ? { copyOf: { ...held, "_pull.dead_at": deadAt } } : { attempts };
    if (!await writeLetter({ id, deadAt, failures, ...content }, this.#options)) return 0;
    if (!isOnDocument) return await this.#markUnjudged(document, held);
    const matched = await this.#mark(held, WITH_VERDICT);
    if (matched === 0) await this.#removeStale(id, deadAt);
    return matched;
  }

  /**
   * A verdict whose write was given up may be applied late. Then the letter has another verdict, and is finished by
   * that one.
   */
  async #markUnjudged(document: LeasedDocument, held: Filter<Document>): Promise<number> {
    const matched = await this.#mark({ ...held, ...UNJUDGED }, WITHOUT_VERDICT);
    return matched === 0 ? await this.finish(document) : matched;
  }

  /**
   * Marks a document as failed, if it still is what `query` asks for, together with the first of these removals that
   * the database allows.
   */
  async #mark(query: Filter<Document>, removals: readonly Removal[]): Promise<number> {
    for (const [position, $unset] of removals.entries()) {
      try {
        const { matchedCount } = await this.#options.collection.updateOne(query, {
          $set: { status: "failed" },
          $unset,
        }, {
          hint: { _id: 1 },
        });
        return matchedCount;
      } catch (error) {
        if (!isRefused(error) || position === removals.length - 1) throw error;
      }
    }
    return 0;
  }

  /**
   * The document is the truth: a letter is stale if its document is gone, processed, or carries another verdict. Our
   * mark may also miss because an earlier one, whose answer was lost, had succeeded: then the letter is right, as its
   * document is `standing`.
   */
  async #removeStale(
    id: unknown,
    deadAt: Date,
    standing: Filter<Document> = { status: { $ne: "processed" }, "_pull.dead_at": deadAt },
  ): Promise<void> {
    const { collection, letters, maxTimeMS } = this.#options;
    const query = { _id: { $eq: id } as never, ...standing };
    const stands = await collection.findOne(query, { projection: { _id: 1 }, maxTimeMS });
    if (stands) return;
    await letters.deleteOne({ _id: { $eq: id } as never, dead_at: deadAt, ...lettersOf(collection) });
  }
}

/** The decision that a document is a dead letter, and where it is written. */
interface Verdict {
  /** The letter's identity. */
  readonly deadAt: Date;
  /** The server's time when the document was last known to match its query. */
  readonly seenAt: Date;
  /** Whether the verdict is on the document; otherwise it is only on the letter. */
  readonly isOnDocument: boolean;
}

const TOO_LARGE = "The document is too large to take the agent's bookkeeping: make it smaller";

type Removal = Record<string, "">;
const LEASE: Removal = { "_pull.token": "", "_pull.owner": "" };
/** What the mark removes if the verdict stays on the document; if the database does not allow that, only the lease. */
const WITH_VERDICT: readonly Removal[] = [
  { ...LEASE, "_pull.visible_at": "", "_pull.takeovers": "", "_pull.alone": "" },
  LEASE,
];
/** The same without a verdict: a document without room loses all of the bookkeeping. */
const WITHOUT_VERDICT: readonly Removal[] = [{ _pull: "" }, LEASE];

/** Any other value in the field is not an agent's verdict: see {@linkcode UNJUDGED}. */
function isDate(value: unknown): boolean {
  return validDate(value) !== undefined;
}
