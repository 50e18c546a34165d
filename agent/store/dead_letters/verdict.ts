import type { Document, Filter } from "mongodb";
import type { DeadLetterOptions } from "./options.ts";

/** A document as a look has found it. */
export interface Seen {
  /** The server's time at the look. All that another agent decides about the document later is later than this. */
  readonly now: Date;
  /** The verdict on the document; undefined if there is none. */
  readonly deadAt: Date | undefined;
}

/**
 * Looks whether a document still is what `query` says, and whether a verdict stands on it. Undefined if it is not.
 *
 * A letter that no verdict precedes takes its time from here, so that it is never newer than a letter that another agent
 * writes after this agent has lost the document. Nothing of the user's is read.
 */
export async function lookAt(
  query: Filter<Document>,
  { collection, maxTimeMS }: DeadLetterOptions,
): Promise<Seen | undefined> {
  const [seen] = await collection.aggregate([
    { $match: query },
    { $project: { _id: 0, now: "$$NOW", deadAt: "$_pull.dead_at" } },
  ], { maxTimeMS, hint: { _id: 1 } }).toArray();
  return seen && { now: seen.now, deadAt: isDate(seen.deadAt) ? seen.deadAt : undefined };
}

/** What else stands in the field is no verdict of an agent's: see `UNJUDGED`. */
function isDate(value: unknown): boolean {
  return value instanceof Date && !Number.isNaN(value.getTime());
}
