import type { Db, Document } from "mongodb";
import { COLLECTION, LETTERS } from "../support/store.ts";

/** The field by which documents belong together, for indexes that allow one of a kind. */
export const KEY = "fuzz_key";

/** What people make of their collections, each of which refuses some write of the agent's. */
export const RULES = {
  "one processed a key": { unique: { status: "processed" } },
  "one processing a key": { unique: { status: "processing" } },
  "one failed a key": { unique: { status: "failed" } },
  "no bookkeeping": { validator: { _pull: { $exists: false } } },
  "no error": { validator: { error: { $exists: false } } },
  "no list of errors": { validator: { "_pull.errors": { $exists: false } } },
  "short errors": { validator: { $or: [{ error: { $exists: false } }, { error: { $type: "int" } }] } },
  "no failed": { validator: { status: { $ne: "failed" } } },
  "no processed": { validator: { status: { $ne: "processed" } } },
  "never processing": { validator: { status: { $ne: "processing" } } },
  "no verdict": { validator: { "_pull.dead_at": { $exists: false } } },
  "no processed_at": { validator: { processed_at: { $exists: false } } },
  "no takeovers": { validator: { "_pull.takeovers": { $exists: false } } },
  "some are fixed": { validator: { $or: [{ [KEY]: { $ne: 0 } }, { status: "pending" }] } },
  "no letters": { letters: { nothing: { $exists: true } } },
  "letters without a document": { letters: { document: { $exists: false } } },
} as const satisfies Record<string, { unique?: Document; validator?: Document; letters?: Document }>;

/** The name of one. */
export type Rule = keyof typeof RULES;

/** Makes the collection refuse what the rule says, from now on. */
export async function impose(db: Db, name: Rule): Promise<void> {
  const { unique, validator, letters }: { unique?: Document; validator?: Document; letters?: Document } =
    RULES[name];
  if (unique) {
    await db.collection(COLLECTION).createIndex({ [KEY]: 1 }, {
      unique: true,
      partialFilterExpression: unique,
    });
  }
  if (validator) await db.command({ collMod: COLLECTION, validator });
  if (letters) await db.createCollection(LETTERS, { validator: letters });
}
