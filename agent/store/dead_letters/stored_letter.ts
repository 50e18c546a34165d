import { createHash } from "node:crypto";
import { sameBytes } from "../../lib/same_bytes.ts";
import { BSON } from "mongodb";
import type { Document } from "../../ports.ts";
import { printableLines } from "../../text/terminal_text.ts";
import { secrets } from "../../text/redact.ts";
import { bsonJson } from "../documents/bson_json.ts";
import { documentOf, elementNamed, elementsApart } from "../documents/bson_elements.ts";
import { idKey } from "../documents/id_key.ts";
import { EXACT_BSON } from "../documents/own_bson.ts";

/** A letter keeps the bytes that it was read from under this symbol, apart from its fields. */
const BYTES = Symbol("the bytes of a letter");

/** A dead letter as it is stored. If a user has edited it, everything but `_id` and `dead_at` may be missing. */
export interface DeadLetter {
  _id: unknown;
  document?: Document;
  /** The document was too large to be copied: the letter only refers to it. */
  by_reference?: boolean;
  attempts?: number;
  error?: string;
  errors?: { at: Date; attempt: number; message: string }[];
  /** The last checkpoint of its runs, if there is one. */
  saved?: unknown;
  source?: { database: string; collection: string };
  dead_at?: Date;
  /** The bytes that it was read from. */
  readonly [BYTES]?: Uint8Array;
}

/** How values are turned into what people see. A regular expression of MongoDB may hold more than one of JavaScript. */
const FOR_PEOPLE = { bsonRegExp: true, promoteValues: true, validation: { utf8: false } } as const;

/** Reads a letter. Never throws: a field that JavaScript cannot hold is missing. */
export function letterOf(bytes: Uint8Array): DeadLetter {
  const letter = fieldsOf(bytes) as DeadLetter;
  return Object.defineProperty(letter, BYTES, { value: bytes });
}

/**
 * A letter as Extended JSON that people can read, on one line or indented by this many blanks: as it is stored, but
 * without the secrets in its errors, which an earlier version may have written. Never throws.
 */
export function letterJson(letter: DeadLetter, indent?: number): string {
  return printableLines(bsonJson(letter[BYTES]!, indent, withoutSecrets));
}

function withoutSecrets(text: string, field: string): string {
  return field === "error" || field === "errors" ? secrets.text(text) : text;
}

/**
 * Whether a query by the letter's `_id` means this letter and its document: JavaScript can hold the `_id` unchanged.
 */
export function isNameable({ [BYTES]: bytes }: DeadLetter): boolean {
  if (!bytes) return true;
  try {
    const id = elementNamed(bytes, "_id");
    if (!id) return false;
    const stored = documentOf(id.whole);
    const sent = BSON.serialize(BSON.deserialize(stored, EXACT_BSON));
    return sameBytes(sent, stored);
  } catch {
    return false;
  }
}

/** The `_id` of a letter as text that is the same for the same bytes only, also if JavaScript cannot hold it. */
export function storedIdKey({ _id, [BYTES]: bytes }: DeadLetter): string {
  const id = bytes && elementNamed(bytes, "_id");
  return id ? createHash("sha256").update(id.whole).digest("base64") : idKey(_id);
}

function fieldsOf(bytes: Uint8Array): Document {
  try {
    return BSON.deserialize(bytes, FOR_PEOPLE);
  } catch {
    return Object.assign({}, ...fieldByField(bytes));
  }
}

function* fieldByField(bytes: Uint8Array): Generator<Document> {
  try {
    for (const [, alone] of elementsApart(bytes)) yield* readable(alone);
  } catch {
    // The fields behind it stay missing, too.
  }
}

function* readable(element: Uint8Array): Generator<Document> {
  try {
    yield BSON.deserialize(element, FOR_PEOPLE);
  } catch {
    // It stays missing here; the letter's JSON shows as much of it as possible.
  }
}
