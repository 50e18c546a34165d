import type { Document, UpdateFilter } from "mongodb";
import type { LeasedDocument } from "../../ports.ts";
import type { DeadLetterOptions } from "./options.ts";
import { lettersOf } from "./source.ts";
import { type Failures, writeLetter } from "./writer.ts";
import { isRefused, isTooLarge } from "../mongo_errors.ts";
import { deadLetterHeld, markFailed } from "./oversize.ts";
import { leasedBy, UNJUDGED } from "../queries.ts";
import { failure } from "../settlements.ts";

/**
 * Makes a dead letter in three writes: the verdict on the document, the copy, and the mark `failed`. A crash between
 * any two is finished by the agent that takes the lease over, as the verdict on the document tells it to. Returns 0 if
 * the lease was lost before the verdict, which then is none.
 *
 * A document that the database does not let take the verdict with its error takes one without, and one that takes none
 * at all is marked alone. No step reads the user's document.
 */
export async function deadLetter(
  document: LeasedDocument,
  error: string,
  options: DeadLetterOptions,
): Promise<number> {
  const at = options.clock.now();
  const failures = { error, errors: [{ at, attempt: document.attempt, message: error }] };
  const full = { $set: { error }, $push: failure(document, error, at) };
  for (const noted of [full, {}]) {
    let deadAt: Date | undefined;
    try {
      deadAt = await judge(document, noted, options);
    } catch (refusal) {
      if (!isRefused(refusal)) throw refusal;
      if (isTooLarge(refusal)) break;
      continue;
    }
    if (deadAt) return await copyAndMark(document, { deadAt, failures }, options);
    return await finish(document, failures, options);
  }
  return await deadLetterHeld(document, error, options);
}

/** Copy and mark of a verdict that an earlier holder had written. */
export function finishVerdict(document: LeasedDocument, options: DeadLetterOptions): Promise<number> {
  return finish(document, undefined, options);
}

/** Writes the verdict and returns its time; undefined if the document is no longer ours or has a verdict already. */
async function judge(
  { id, token }: LeasedDocument,
  noted: UpdateFilter<Document>,
  { collection }: DeadLetterOptions,
): Promise<Date | undefined> {
  // Once: a retry must neither change the letter's identity nor push the same error again.
  const unjudged = { ...leasedBy([id], token), ...UNJUDGED };
  const judged = await collection.findOneAndUpdate(
    unjudged,
    { ...noted, $currentDate: { "_pull.dead_at": true } },
    { ...VERDICT, returnDocument: "after", hint: { _id: 1 } },
  );
  return judged?._pull.dead_at;
}

/** Nothing of the user's is read. */
const VERDICT = { projection: { _id: 0, "_pull.dead_at": 1 } };

async function finish(
  document: LeasedDocument,
  failures: Failures | undefined,
  options: DeadLetterOptions,
): Promise<number> {
  const { collection, maxTimeMS } = options;
  const judged = await collection.findOne(leasedBy([document.id], document.token), { ...VERDICT, maxTimeMS });
  const deadAt = judged?._pull?.dead_at;
  return deadAt ? await copyAndMark(document, { deadAt, failures }, options) : 0;
}

async function copyAndMark(
  document: LeasedDocument,
  verdict: { deadAt: Date; failures: Failures | undefined },
  options: DeadLetterOptions,
): Promise<number> {
  const { id, token } = document;
  if (!await writeLetter({ id, token, ...verdict }, options)) return 0;
  const matched = await markFailed(document, MARKS, options);
  if (matched === 0) await removeStale(id, verdict.deadAt, options);
  return matched;
}

/** What goes with the mark; where the database does not allow that, the lease alone. */
const MARKS: readonly Record<string, "">[] = [
  {
    "_pull.token": "",
    "_pull.owner": "",
    "_pull.visible_at": "",
    "_pull.takeovers": "",
    "_pull.alone": "",
  },
  { "_pull.token": "", "_pull.owner": "" },
];

/**
 * The document is the truth: a letter whose document is gone, processed, or carries another verdict is stale. Our mark
 * may also have missed because an earlier one, whose answer was lost, had succeeded: then the letter is right.
 */
async function removeStale(id: unknown, deadAt: Date, { collection, letters, maxTimeMS }: DeadLetterOptions) {
  const query = { _id: { $eq: id } as never, status: { $ne: "processed" }, "_pull.dead_at": deadAt };
  const stands = await collection.findOne(query, { projection: { _id: 1 }, maxTimeMS });
  if (stands) return;
  await letters.deleteOne({ _id: { $eq: id } as never, dead_at: deadAt, ...lettersOf(collection) });
}
