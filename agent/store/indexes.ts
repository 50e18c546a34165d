import { type Collection, type Document, MongoServerError } from "mongodb";
import { CLAIM_INDEX, TAKEN_OVER, TAKEOVER_INDEX } from "./queries.ts";

/** Codes by which a server refuses `$in` in a partial index: it came with MongoDB 6.0. */
const PARTIAL_UNSUPPORTED = new Set([67, 72, 2]);
/** The same keys are indexed already, under other options or another name: that serves as well. */
const ALREADY_THERE = new Set([85, 86]);

/** An index that the claim's queries need. */
export interface Index {
  name: string;
  keys: Record<string, 1>;
  /** What it holds, where the server can leave the rest out: neither holds anything that is finished. */
  partialFilterExpression: Document;
}

/** All that the agent makes, and all that it needs. */
export const INDEXES: readonly Index[] = [
  {
    name: "pulling_agent_claim",
    keys: CLAIM_INDEX,
    partialFilterExpression: { status: { $in: ["pending", "processing"] } },
  },
  { name: "pulling_agent_takeovers", keys: TAKEOVER_INDEX, partialFilterExpression: TAKEN_OVER },
];

/**
 * Makes the indexes that are missing. Throws what the driver throws: a missing index is slow, never wrong, and nobody
 * should stop for it.
 */
export async function ensureIndexes(collection: Collection): Promise<void> {
  for (const index of INDEXES) await ensureIndex(collection, index);
}

async function ensureIndex(
  collection: Collection,
  { name, keys, partialFilterExpression }: Index,
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
