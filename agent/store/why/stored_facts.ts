import { BSON } from "mongodb";
import { validDate } from "../../lib/valid_date.ts";
import { shortened } from "../../text/shortened.ts";
import { placesOf } from "../documents/bson_places.ts";
import { bsonJson } from "../documents/bson_json.ts";
import {
  DOCUMENT_TYPE,
  documentOf,
  elementsApart,
  elementsNamed,
  elementsNamedLike,
  RawElement,
} from "../documents/bson_elements.ts";

/** A value as it is stored, for people. */
export interface StoredValue {
  /** Extended JSON, cut if it is long. */
  readonly json: string;
  /** Its BSON type, as MongoDB calls it. */
  readonly type: string;
}

/** An error that is kept on a document. A user may have edited it: any of it may be missing. */
export interface KeptError {
  readonly at: Date | undefined;
  readonly attempt: number | undefined;
  readonly message: string;
}

/** What stands on a document for the agent, value by value. */
export interface StoredFacts {
  readonly id: StoredValue;
  readonly status: StoredValue | undefined;
  readonly pull: StoredValue | undefined;
  readonly owner: string | undefined;
  readonly hasToken: boolean;
  readonly visibleAt: StoredValue | undefined;
  /** The same if it is a date that JavaScript can hold. */
  readonly visibleAtDate: Date | undefined;
  readonly processedAt: Date | undefined;
  /** When and why an operator canceled it, and has not had it requeued since. */
  readonly canceled: { readonly at: Date | undefined; readonly reason: string | undefined } | undefined;
  readonly snoozes: number;
  readonly error: string | undefined;
  readonly errors: readonly KeptError[];
  /** The number of the last checkpoint, and its size in bytes. */
  readonly saved: { readonly number: number | undefined; readonly bytes: number } | undefined;
  /** Fields whose names only look like `status`, with their values. */
  readonly lookalikes: readonly { readonly name: string; readonly value: StoredValue }[];
}

/** This much of a value is shown, in UTF-16 units. */
const MAX_SHOWN = 200;
/** A name that looks like `status` is at most so long, in bytes, and so many of them are shown: a document has a million fields at most. */
const [MAX_LOOKALIKE_BYTES, MAX_LOOKALIKES] = [16, 20];

const TYPES: Record<number, string> = {
  0x01: "double",
  0x02: "string",
  0x03: "embedded document",
  0x04: "array",
  0x05: "binary data",
  0x06: "undefined",
  0x07: "ObjectId",
  0x08: "boolean",
  0x09: "date",
  0x0a: "null",
  0x0b: "regular expression",
  0x0c: "DBPointer",
  0x0d: "JavaScript code",
  0x0e: "symbol",
  0x0f: "JavaScript code with scope",
  0x10: "32-bit integer",
  0x11: "timestamp",
  0x12: "64-bit integer",
  0x13: "decimal",
  0x7f: "MaxKey",
  0xff: "MinKey",
};

/** Reads what stands on a document. Never throws: each value is read by itself, and of two of a name the first counts. */
export function storedFacts(bytes: Uint8Array): StoredFacts {
  const [id, status, pull, processedAt, error] = elementsNamed(bytes, [
    "_id",
    "status",
    "_pull",
    "processed_at",
    "error",
  ]);
  const [owner, token, visibleAt, snoozes, errors, saved, canceled] = pull?.type === DOCUMENT_TYPE
    ? elementsNamed(
      bytes,
      ["owner", "token", "visible_at", "snoozes", "errors", "saved", "canceled"],
      pull.offset,
    )
    : [];
  return {
    id: valueOf(id)!,
    status: valueOf(status),
    pull: valueOf(pull),
    owner: textOf(owner),
    hasToken: token !== undefined,
    visibleAt: valueOf(visibleAt),
    visibleAtDate: dateOf(visibleAt),
    processedAt: dateOf(processedAt),
    canceled: canceled && cancellation(parsed(canceled)),
    snoozes: numberOf(parsed(snoozes)) ?? 0,
    error: textOf(error),
    errors: keptErrors(errors),
    saved: saved && {
      number: numberIn(parsed(saved), "n"),
      bytes: saved.whole.length,
    },
    lookalikes: lookalikesIn(bytes),
  };
}

/** The value at a dotted path; undefined if there is none. If an array is on the way, it is the array. */
export function valueAt(bytes: Uint8Array, path: string): StoredValue | undefined {
  let document = bytes;
  const names = path.split(".");
  for (const [at, name] of names.entries()) {
    const found = [...elementsApart(document)].find(([each]) => each === name)?.[1];
    if (found === undefined) return undefined;
    const element = elementOf(found);
    if (at === names.length - 1 || element.type !== DOCUMENT_TYPE) {
      // Nothing is below a plain value.
      return at === names.length - 1 || element.type === 0x04 ? valueOf(element) : undefined;
    }
    document = element.bytes.subarray(element.offset);
  }
  return undefined;
}

/** The one element of a document. */
function elementOf(single: Uint8Array): RawElement {
  return new RawElement(single, placesOf(single).next().value!);
}

function valueOf(element: RawElement | undefined): StoredValue | undefined {
  if (element === undefined) return undefined;
  const json = bsonJson(documentOf(element.whole));
  // The value alone, without the name of its field.
  const value = json.slice(json.indexOf(":") + 1, -1);
  return { json: shortened(value, MAX_SHOWN), type: TYPES[element.type] ?? `BSON type ${element.type}` };
}

function parsed(element: RawElement | undefined): unknown {
  if (element === undefined) return undefined;
  try {
    return Object.values(BSON.deserialize(documentOf(element.whole), { validation: { utf8: false } }))[0];
  } catch {
    return undefined;
  }
}

function textOf(element: RawElement | undefined): string | undefined {
  const value = parsed(element);
  return typeof value === "string" ? value : undefined;
}

function dateOf(element: RawElement | undefined): Date | undefined {
  return validDate(parsed(element));
}

function cancellation(value: unknown): StoredFacts["canceled"] {
  const { at, reason } = (value ?? {}) as Record<string, unknown>;
  return { at: validDate(at), reason: typeof reason === "string" ? reason : undefined };
}

function numberIn(value: unknown, name: string): number | undefined {
  return numberOf((value as Record<string, unknown> | null | undefined)?.[name]);
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}

function keptErrors(element: RawElement | undefined): KeptError[] {
  const errors = parsed(element);
  if (!Array.isArray(errors)) return [];
  return errors.slice(-5).map((error) => {
    const { at, attempt, message } = (error ?? {}) as Record<string, unknown>;
    return {
      at: validDate(at),
      attempt: typeof attempt === "number" ? attempt : undefined,
      message: typeof message === "string" ? message : "(no text)",
    };
  });
}

function lookalikesIn(bytes: Uint8Array): { name: string; value: StoredValue }[] {
  const found: { name: string; value: StoredValue }[] = [];
  try {
    for (const [name, element] of elementsNamedLike(bytes, "stat", MAX_LOOKALIKE_BYTES)) {
      const plain = name.trim().toLowerCase();
      if (name === "status" || (plain !== "status" && plain !== "state")) continue;
      found.push({ name, value: valueOf(element)! });
      if (found.length >= MAX_LOOKALIKES) break;
    }
  } catch {
    // What cannot be read looks like nothing.
  }
  return found;
}
