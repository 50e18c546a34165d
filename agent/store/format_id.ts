import { BSON } from "mongodb";

/** An `_id` for people: text as it is, an ObjectId as its digits, anything else as Extended JSON. */
export function formatId(id: unknown): string {
  if (typeof id === "string") return id;
  if (id instanceof BSON.ObjectId) return id.toHexString();
  try {
    return BSON.EJSON.stringify(id) ?? String(id);
  } catch {
    return String(id);
  }
}
