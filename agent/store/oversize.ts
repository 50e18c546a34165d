import type { RefusedClaim } from "../ports.ts";
import type { DeadLetterOptions } from "./dead_letters.ts";
import { isDuplicateKey, isTooLarge } from "./mongo_errors.ts";

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
    return { ...claim, isDeadLetter: await bury(claim.id, options), error: TOO_LARGE };
  }));
}

const TOO_LARGE = "The document is too large to take the agent's bookkeeping: make it smaller";

async function bury(id: unknown, { clock, collection, letters }: DeadLetterOptions): Promise<boolean> {
  const untouched = { _id: { $eq: id } as never, status: "pending" };
  const letter = {
    document: { _id: id },
    by_reference: true,
    attempts: 0,
    error: TOO_LARGE,
    errors: [],
    source: { database: collection.dbName, collection: collection.collectionName },
    dead_at: clock.now(),
  };
  try {
    await letters.replaceOne({ _id: { $eq: id } as never, dead_at: { $lte: letter.dead_at } }, letter, {
      upsert: true,
    });
  } catch (error) {
    if (!isDuplicateKey(error)) return false;
  }
  const { matchedCount } = await collection.updateOne(untouched, { $set: { status: "failed" } });
  return matchedCount > 0;
}
