import { BSON } from "mongodb";
import type { RawDocument } from "./raw_document.ts";

/** Why a document whose `_id` is not faithful waits, and what mends it. */
export const UNFAITHFUL =
  "JavaScript cannot hold its _id unchanged (bytes that are no UTF-8, or numbers as names in an embedded document): " +
  "insert it anew under another _id";

/** What an id that may be unfaithful looks like: text holds a replacement character, or it is made of several values. */
function isDoubtful(id: unknown): boolean {
  if (typeof id === "string") return id.includes("\ufffd");
  return typeof id === "object" && id !== null && !(id instanceof BSON.ObjectId) && !(id instanceof Date);
}

/** Whether the `_id` means the same document when it is sent back: otherwise nothing can be written on the document. */
export function isFaithful(raw: RawDocument): boolean {
  if (!isDoubtful(raw.id)) return true;
  const stored = idElement(raw.bytes);
  const sent = idElement(BSON.serialize({ _id: raw.exactly()._id }));
  return stored.length === sent.length && stored.every((byte, at) => byte === sent[at]);
}

/** The bytes of an `_id` as text, to remember it by. */
export function idBytes(raw: RawDocument): string {
  return idElement(raw.bytes).toHex();
}

function idElement(bytes: Uint8Array): Uint8Array {
  for (const [, nameOffset, nameLength, offset, length] of BSON.onDemand.parseToElements(bytes)) {
    const name = bytes.subarray(nameOffset, nameOffset + nameLength);
    // The type is the byte before the name.
    if (isIdName(name)) return bytes.subarray(nameOffset - 1, offset + length);
  }
  return new Uint8Array();
}

const ID_NAME = new TextEncoder().encode("_id");

function isIdName(name: Uint8Array): boolean {
  return name.length === ID_NAME.length && ID_NAME.every((byte, at) => byte === name[at]);
}
