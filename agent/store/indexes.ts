import { type Collection, type Document, MongoServerError } from "mongodb";
import { CLAIM_INDEX, TAKEN_OVER, TAKEOVER_INDEX } from "./queries.ts";

/** Codes by which a server refuses `$in` in a partial index: it came with MongoDB 6.0. */
const PARTIAL_UNSUPPORTED = new Set([67, 72, 2]);
/** The same keys are indexed already, under other options or another name: that serves as well. */
const ALREADY_THERE = new Set([85, 86]);

/**
 * Makes the indexes that the claim's queries need, where they are missing. Finished documents stay out of it where the server
 * can do that. Throws what the driver throws: a missing index is slow, never wrong, and nobody should stop for it.
 */
export async function ensureIndexes(collection: Collection): Promise<void> {
  const unfinished = { status: { $in: ["pending", "processing"] } };
  await ensureIndex(collection, CLAIM_INDEX, "pulling_agent_claim", unfinished);
  await ensureIndex(collection, TAKEOVER_INDEX, "pulling_agent_takeovers", TAKEN_OVER);
}

async function ensureIndex(
  collection: Collection,
  keys: Record<string, 1>,
  name: string,
  partialFilterExpression: Document,
): Promise<void> {
  try {
    await collection.createIndex(keys, { name, partialFilterExpression });
  } catch (error) {
    const code = error instanceof MongoServerError ? Number(error.code) : NaN;
    if (ALREADY_THERE.has(code)) return;
    if (!PARTIAL_UNSUPPORTED.has(code)) throw error;
    await collection.createIndex(keys, { name });
  }
}
