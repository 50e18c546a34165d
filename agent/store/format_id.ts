import { BSON } from "mongodb";
import { isPrintable, printableJson } from "../printable.ts";

/**
 * An `_id` for people: text as it is, an ObjectId as its digits, anything else as Extended JSON; text that a terminal
 * would not show as it stands is quoted. What comes out can be typed to mean the same `_id`.
 */
export function formatId(id: unknown): string {
  if (typeof id === "string") return id !== "" && isPrintable(id) ? id : printableJson(JSON.stringify(id));
  if (id instanceof BSON.ObjectId) return id.toHexString();
  try {
    return printableJson(BSON.EJSON.stringify(id) ?? String(id));
  } catch {
    return String(id);
  }
}
