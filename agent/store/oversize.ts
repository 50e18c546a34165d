import type { LeasedDocument, RefusedClaim } from "../ports.ts";
import type { DeadLetterOptions } from "./letter_options.ts";
import { lettersOf, OtherLetterError, refuseOthers } from "./letter_source.ts";
import { isDuplicateKey, isTooLarge } from "./mongo_errors.ts";
import { held } from "./queries.ts";

/**
 * Makes dead letters of the documents that are too large to take even the bookkeeping of a claim.
 *
 * There is no room on them for a verdict, so that the letter comes first and then the mark, which only makes the
 * document smaller; a crash in between is made good when the document is met again. The letter refers to the document
 * by its `_id`: the document stays where it is.
 */
export async function buryOversize(
  refused: readonly RefusedClaim[],
  options: DeadLetterOptions,
): Promise<RefusedClaim[]> {
  return await Promise.all(refused.map(async (claim) => {
    if (!isTooLarge(claim.error)) return claim;
    // What else the claim brought must not be lost where this fails: the document is met again.
    try {
      return { ...claim, isDeadLetter: await bury(claim.id, options), error: TOO_LARGE };
    } catch (error) {
      return { ...claim, isDeadLetter: false, error: error instanceof OtherLetterError ? error : TOO_LARGE };
    }
  }));
}

const TOO_LARGE = "The document is too large to take the agent's bookkeeping: make it smaller";

async function bury(id: unknown, options: DeadLetterOptions): Promise<boolean> {
  await writeReference(id, { attempts: 0, error: TOO_LARGE, errors: [] }, options);
  const untouched = { _id: { $eq: id } as never, status: "pending" };
  const { matchedCount } = await options.collection.updateOne(untouched, { $set: { status: "failed" } });
  return matchedCount > 0;
}

/** The same for a document that took its claim, and has no room for the verdict: the mark takes the bookkeeping away. */
export async function buryHeld(
  { id, token, attempt }: LeasedDocument,
  error: string,
  options: DeadLetterOptions,
): Promise<number> {
  const errors = [{ at: options.clock.now(), attempt, message: error }];
  await writeReference(id, { attempts: attempt, error, errors }, options);
  const { matchedCount } = await options.collection.updateOne(held([id], token), {
    $set: { status: "failed" },
    $unset: { _pull: "" },
  });
  return matchedCount;
}

async function writeReference(
  id: unknown,
  content: { attempts: number; error: string; errors: unknown[] },
  options: DeadLetterOptions,
): Promise<void> {
  const { clock, collection, letters } = options;
  const letter = {
    document: { _id: id },
    by_reference: true,
    ...content,
    source: { database: collection.dbName, collection: collection.collectionName },
    dead_at: clock.now(),
  };
  try {
    const older = { _id: { $eq: id } as never, dead_at: { $lte: letter.dead_at }, ...lettersOf(collection) };
    await letters.replaceOne(older, letter, { upsert: true });
  } catch (error) {
    if (!isDuplicateKey(error)) throw error;
    // A letter that is newer, which stays; or another collection's.
    await refuseOthers(id, options);
  }
}
