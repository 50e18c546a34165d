import type { LeasedDocument, RefusedClaim } from "../../ports.ts";
import type { DeadLetterOptions } from "./options.ts";
import { OtherLetterError } from "./source.ts";
import { writeReference } from "./writer.ts";
import { isRefused, isTooLarge } from "../mongo_errors.ts";
import { leasedBy } from "../queries.ts";
import { lookAt } from "./verdict.ts";

/**
 * Makes dead letters of the documents that are too large to take even the bookkeeping of a claim.
 *
 * There is no room on them for a verdict, so that the letter comes first and then the mark, which only makes the
 * document smaller; a crash in between is made good when the document is met again. The letter refers to the document
 * by its `_id`: the document stays where it is.
 */
export async function deadLetterOversize(
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
  const waiting = { _id: { $eq: id } as never, status: "pending" };
  const seen = await lookAt(waiting, options);
  if (!seen) return false;
  const { now, deadAt = now } = seen;
  await writeReference(id, { attempts: 0, error: TOO_LARGE, errors: [], deadAt }, options);
  // An agent that could claim it since, and a redrive, have written a later time.
  const untouched = { ...waiting, $nor: [{ "_pull.visible_at": { $gt: now } }] };
  const { matchedCount } = await options.collection.updateOne(untouched, { $set: { status: "failed" } });
  return matchedCount > 0;
}

/**
 * The same for a document that took its claim and takes no verdict, as it has no room or as the database does not allow
 * it: the mark takes the bookkeeping away.
 */
export async function deadLetterHeld(
  document: LeasedDocument,
  error: string,
  options: DeadLetterOptions,
): Promise<number> {
  const { id, attempt, token } = document;
  const seen = await lookAt(leasedBy([id], token), options);
  if (!seen) return 0;
  const { now, deadAt = now } = seen;
  const errors = [{ at: now, attempt, message: error }];
  await writeReference(id, { attempts: attempt, error, errors, deadAt }, options);
  return await markFailed(document, [{ _pull: "" }, { "_pull.token": "", "_pull.owner": "" }], options);
}

/** Marks a document as failed, together with the first of these removals that the database allows. */
export async function markFailed(
  { id, token }: LeasedDocument,
  removals: readonly Record<string, "">[],
  { collection }: DeadLetterOptions,
): Promise<number> {
  for (const [position, $unset] of removals.entries()) {
    try {
      const mark = { $set: { status: "failed" }, $unset };
      const { matchedCount } = await collection.updateOne(leasedBy([id], token), mark, { hint: { _id: 1 } });
      return matchedCount;
    } catch (error) {
      if (!isRefused(error) || position === removals.length - 1) throw error;
    }
  }
  return 0;
}
