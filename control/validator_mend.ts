import type { Document } from "mongodb";

/** The command that lets a validator accept what the agent writes: a document that it works on has an object `_pull`. */
export function admitBookkeeping(collection: string, validator: Document): Document {
  return { collMod: collection, validator: { $or: [{ _pull: { $type: "object" } }, validator] } };
}
