import type { Document } from "mongodb";
import { errorText } from "../errors.ts";
import type { LeasedDocument } from "../ports.ts";
import type { DeadLetterOptions } from "./letter_options.ts";
import { lettersOf, refuseOthers } from "./letter_source.ts";
import { isDuplicateKey, isForbidden, isRefused, isTooLarge } from "./mongo_errors.ts";
import { buryHeld } from "./oversize.ts";
import { held } from "./queries.ts";
import { failure } from "./settlements.ts";

/** Reads documents with every value's BSON type kept. */
const EXACT = { promoteValues: false, promoteLongs: false, bsonRegExp: true } as const;

/**
 * Makes a dead letter in three writes: the verdict on the document, the copy, and the mark `failed`. A crash between
 * any two is finished by whoever takes the lease over, as the verdict on the document tells it to. Returns 0 where the
 * lease was lost before the verdict, which then is none.
 */
export async function deadLetter(
  document: LeasedDocument,
  error: string,
  options: DeadLetterOptions,
): Promise<number> {
  const { clock, collection } = options;
  let judged: Document | null;
  try {
    // Once: a retry must neither change the letter's identity nor push the same error again.
    const unjudged = { ...held([document.id], document.token), "_pull.dead_at": { $exists: false } };
    judged = await collection.findOneAndUpdate(unjudged, {
      $set: { error },
      $currentDate: { "_pull.dead_at": true },
      $push: failure(document, error, clock.now()),
    }, { ...EXACT, returnDocument: "after", hint: { _id: 1 } });
  } catch (failed) {
    if (isTooLarge(failed)) return await buryHeld(document, error, options);
    throw failed;
  }
  return judged ? await copyAndMark(document, judged, options) : await finishVerdict(document, options);
}

/** Copy and mark of a verdict that an earlier holder had written. */
export async function finishVerdict(document: LeasedDocument, options: DeadLetterOptions): Promise<number> {
  const { collection, maxTimeMS } = options;
  const judged = await collection.findOne(held([document.id], document.token), { ...EXACT, maxTimeMS });
  return judged?._pull?.dead_at ? await copyAndMark(document, judged, options) : 0;
}

async function copyAndMark(
  document: LeasedDocument,
  judged: Document,
  options: DeadLetterOptions,
): Promise<number> {
  const deadAt: Date = judged._pull.dead_at;
  await copy(judged, options);
  const { matchedCount } = await options.collection.updateOne(held([document.id], document.token), {
    $set: { status: "failed" },
    $unset: {
      "_pull.token": "",
      "_pull.owner": "",
      "_pull.visible_at": "",
      "_pull.takeovers": "",
      "_pull.alone": "",
    },
  }, { hint: { _id: 1 } });
  if (matchedCount === 0) await removeStale(document.id, deadAt, options);
  return matchedCount;
}

/** Writes the letter over an older one, never over a newer one nor over another collection's. */
async function copy(judged: Document, options: DeadLetterOptions): Promise<void> {
  const { collection, letters } = options;
  const { _id, _pull, error, ...rest } = judged;
  const letter = {
    document: { _id, ...rest, status: "failed" },
    attempts: _pull.attempts,
    error,
    errors: _pull.errors ?? [],
    source: { database: collection.dbName, collection: collection.collectionName },
    dead_at: _pull.dead_at,
  };
  const write = async (content: Document) => {
    const older = { _id, dead_at: { $lte: _pull.dead_at }, ...lettersOf(collection) };
    await letters.replaceOne(older, content, { upsert: true });
  };
  try {
    await write(letter);
  } catch (failed) {
    // The letter that is there is newer than ours and stays; or it is another collection's.
    if (isDuplicateKey(failed)) return await refuseOthers(_id, options);
    // Retried in vain it would keep every other dead letter, and in the end every claim, waiting.
    if (isForbidden(failed)) throw new Error(`The dead letter cannot be written: ${errorText(failed)}`);
    if (!isRefused(failed)) throw failed;
    // A document near 16 MiB leaves no room for what a letter says besides: then it refers to the document, which stays.
    await write({ ...letter, document: { _id }, by_reference: true });
  }
}

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
