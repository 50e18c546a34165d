import { sameBytes } from "../../lib/same_bytes.ts";
import { BSON } from "mongodb";
import { elementNamed } from "./bson_elements.ts";
import type { RawDocument } from "./raw_document.ts";

/** Why a document whose `_id` is not faithful waits, and what mends it. */
export const NO_ROUND_TRIP =
  "JavaScript cannot hold its _id unchanged (bytes that are not UTF-8, numbers as names in an embedded document, " +
  "a date beyond the year 275760): insert it anew under another _id";

const CODE_WITH_SCOPE = 0x0f;

/** What an id that may be unfaithful looks like: a replacement character, no valid date, or several values. */
function isDoubtful(id: unknown): boolean {
  if (typeof id === "string") return id.includes("\ufffd");
  if (id instanceof Date) return Number.isNaN(id.getTime());
  return id === undefined || (typeof id === "object" && id !== null && !(id instanceof BSON.ObjectId));
}

/**
 * Whether the `_id` means the same document when it is sent back: otherwise nothing can be written on the document.
 * Never throws.
 */
export function survivesRoundTrip(raw: RawDocument): boolean {
  if (!isDoubtful(raw.id)) return true;
  try {
    const stored = elementNamed(raw.bytes, "_id")!.whole;
    const sent = elementNamed(BSON.serialize({ _id: raw.exactId() }), "_id")!.whole;
    if (!sameBytes(stored, sent)) return false;
    // A claim sends numbers with other types, which are equal all the same, except within the scope of code.
    const claimed = elementNamed(BSON.serialize({ _id: raw.id }), "_id")!;
    return claimed.type !== CODE_WITH_SCOPE || claimed.whole.every((byte, at) => byte === stored[at]);
  } catch {
    return false;
  }
}

/** The bytes of an `_id` in its document, with its name. */
export function idLength(raw: RawDocument): number {
  return elementNamed(raw.bytes, "_id")?.whole.length ?? 0;
}

/** The bytes of an `_id` as text, to remember it by. */
export function idBytes(raw: RawDocument): string {
  return elementNamed(raw.bytes, "_id")?.whole.toHex() ?? "";
}
