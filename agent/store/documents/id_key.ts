import { BSON } from "mongodb";

/** An `_id` as text that is the same for equal ids only: the driver makes a new object of each id that it reads. */
export function idKey(id: unknown): string {
  // The usual ids take a short way: their text is never Extended JSON.
  if (typeof id === "string") return `text:${id}`;
  if (typeof id === "number") return `number:${id}`;
  if (id instanceof BSON.ObjectId) return `oid:${id.toHexString()}`;
  try {
    return BSON.EJSON.stringify({ id }, { relaxed: false });
  } catch {
    // It looks like a value of the driver's and is not one: its bytes also tell it from others.
    return `bson:${BSON.serialize({ id }).toHex()}`;
  }
}
