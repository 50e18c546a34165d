import { BSON } from "mongodb";
import { exactJson, isLong } from "./exact_json.ts";
import { isPrintable, printable } from "../../text/terminal_text.ts";

/**
 * An `_id` for people: text as it is, an ObjectId as its digits, anything else as Extended JSON; text that a terminal
 * would not show as it stands is quoted. What comes out can be typed to mean the same `_id`.
 */
export function formatId(id: unknown): string {
  if (typeof id === "string") return id !== "" && isPrintable(id) ? id : printable(JSON.stringify(id));
  if (id instanceof BSON.ObjectId) return id.toHexString();
  if (isLong(id)) return String(id);
  try {
    // JSON would write a double beyond 2^53 with only as many digits as tell it from other doubles.
    if (Number.isInteger(id) && Math.abs(id as number) < 1e21) return String(BigInt(id as number));
    return printable(exactJson(id) ?? String(id));
  } catch {
    return String(id);
  }
}
