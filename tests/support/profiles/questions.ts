import type { Db, Document } from "mongodb";
import { MongoServerError } from "mongodb";

const LATER = { $expr: { $lte: ["$at", "$$NOW"] } };

/** Commands that some servers refuse, by what they ask for. */
export const QUESTIONS: Record<string, Document> = {
  "now in a read": { find: "jobs", filter: LATER },
  "now explained": { explain: { find: "jobs", filter: LATER } },
  "now in a write": { update: "jobs", updates: [{ q: { _id: 1, ...LATER }, u: { $set: { a: 1 } } }] },
  "size": { find: "jobs", filter: {}, projection: { size: { $bsonSize: "$$ROOT" } } },
  "hint of an update, of no index": {
    update: "jobs",
    updates: [{ q: { _id: 1 }, u: { $set: { a: 2 } }, hint: "no_such_index" }],
  },
  "hint of findAndModify": {
    findAndModify: "jobs",
    query: { _id: 1 },
    update: { $set: { a: 3 } },
    hint: { _id: 1 },
  },
  "findAndModify": { findAndModify: "jobs", query: { _id: 1 }, update: { $set: { a: 4 } } },
  "partial index by $in": {
    createIndexes: "jobs",
    indexes: [{ key: { at: 1 }, name: "by_in", partialFilterExpression: { status: { $in: ["a", "b"] } } }],
  },
  "partial index by $eq": {
    createIndexes: "jobs",
    indexes: [{ key: { at: 1 }, name: "by_eq", partialFilterExpression: { status: "a" } }],
  },
  "stream": { aggregate: "jobs", pipeline: [{ $changeStream: {} }], cursor: {} },
  "merge": {
    aggregate: "jobs",
    pipeline: [{ $merge: { into: "jobs_dead_letters", whenMatched: [{ $replaceWith: "$$new" }] } }],
    cursor: {},
  },
};

/** What a server answers to commands on a collection of its own: "ok", or the code and the words of its refusal. */
export async function answersTo(
  questions: Record<string, Document>,
  db: Db,
): Promise<Record<string, string>> {
  await db.createCollection("jobs");
  await db.collection<Document>("jobs").insertOne({ _id: 1 as never, status: "pending", at: new Date(0) });
  const found: Record<string, string> = {};
  for (const [what, command] of Object.entries(questions)) {
    try {
      const { writeErrors } = await db.command(command);
      found[what] = writeErrors ? `write ${writeErrors[0].code}: ${writeErrors[0].errmsg}` : "ok";
    } catch (error) {
      if (!(error instanceof MongoServerError)) throw error;
      found[what] = `${error.code}: ${error.errmsg}`;
    }
  }
  return found;
}
