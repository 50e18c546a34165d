import { BSON } from "mongodb";

/** An `_id` as text that is the same for equal ids and no others, as the driver makes a new object of each it reads. */
export function idKey(id: unknown): string {
  // The usual ones without a detour: what they give is no Extended JSON.
  if (typeof id === "string") return `text:${id}`;
  if (typeof id === "number") return `number:${id}`;
  if (id instanceof BSON.ObjectId) return `oid:${id.toHexString()}`;
  try {
    return BSON.EJSON.stringify({ id }, { relaxed: false });
  } catch {
    // What looks like a value of the driver's and is none: its bytes tell it from others as well.
    return `bson:${BSON.serialize({ id }).toHex()}`;
  }
}
