/**
 * Documents as raw BSON that no driver would write, and that a server accepts all the same: every type with random bytes,
 * text that is no UTF-8, odd names, doubled names. The same seed gives the same documents.
 *
 * @module
 */

import { bsonDocument, type BsonElement, element, utf8 } from "./raw_bson.ts";
import { integerFrom, pick } from "./random.ts";

/** How wild a document is. */
export interface RandomBsonOptions {
  /** The `status` element. Default: the text `pending`. */
  status?: Uint8Array | "random";
  /** The `_id`; `random` is one of any type that a server takes. Default: `random`. */
  id?: BsonElement | "random";
  /** Whether there may be a `_pull` of the user's own. Default: false. */
  pull?: boolean;
  /** Elements besides, at most. Default: 6. */
  maxFields?: number;
}

/** A document to be processed, of random content. A few that a server refuses are among them. */
export function randomDocument(
  random: () => number,
  options: RandomBsonOptions = {},
): Uint8Array<ArrayBuffer> {
  const { id = "random", maxFields = 6, pull = false, status } = options;
  const fields = Array.from({ length: integerFrom(random, 0, maxFields) }, () => randomElement(random, 0));
  if (pull && random() < 0.5) fields.push(randomPull(random));
  fields.push(
    status === "random" && random() < 0.3
      ? { ...randomElement(random, 2), name: utf8("status") }
      : element(0x02, "status", status instanceof Uint8Array ? status : string(utf8("pending"))),
  );
  shuffle(random, fields);
  return bsonDocument([id === "random" ? randomId(random) : id, ...fields]);
}

/** An `_id` of any type that a server takes. */
export function randomId(random: () => number): BsonElement {
  const type = pick(random, ID_TYPES);
  return { type, name: utf8("_id"), value: VALUES[type]!(random, 2) };
}

/** One element of any type. */
function randomElement(random: () => number, depth = 0): BsonElement {
  const type = pick(random, depth < 3 ? ALL_TYPES : FLAT_TYPES);
  return { type, name: randomName(random), value: VALUES[type]!(random, depth) };
}

/** An element of each BSON type there is, under the name `name`, for properties that must hold for all of them. */
export function elementOfEveryType(random: () => number, name: string): BsonElement[] {
  return ALL_TYPES.map((type) => ({ type, name: utf8(name), value: VALUES[type]!(random, 2) }));
}

/** A `_pull` as people, other programs and older agents may leave it behind. */
export function randomPull(random: () => number): BsonElement {
  if (random() < 0.3) return { ...randomElement(random, 2), name: utf8("_pull") };
  const names = ["visible_at", "attempts", "takeovers", "alone", "errors", "dead_at", "token", "owner", "x"];
  const fields = Array.from({ length: integerFrom(random, 0, 3) }, () => {
    const name = utf8(pick(random, names));
    // A date that is due or not, as the agent would write it, or anything else.
    if (random() < 0.3) {
      const inMs = pick(random, [-3_600_000, -1, 300, 3_600_000]);
      return { type: 0x09, name, value: int64(BigInt(Date.now() + inMs)) };
    }
    if (random() < 0.3) return { type: 0x10, name, value: int32(integerFrom(random, 0, 9)) };
    return { ...randomElement(random, 2), name };
  });
  return { type: 0x03, name: utf8("_pull"), value: bsonDocument(fields) };
}

type Value = (random: () => number, depth: number) => Uint8Array;

/** The bytes after the name of an element, by its type: anything that a server would take. */
const VALUES: Record<number, Value> = {
  0x01: (random) =>
    random() < 0.3
      ? double(pick(random, [NaN, -0, Infinity, -Infinity, 1e308, 5e-324, 3]))
      : bytes(random, 8),
  0x02: (random) => string(randomText(random)),
  0x03: (random, depth) => random() < 0.2 ? lookalike(random) : nested(random, depth),
  // Names of an array's elements are not looked at by a server: they may be anything.
  0x04: (random, depth) =>
    random() < 0.7
      ? bsonDocument(
        Array.from({ length: integerFrom(random, 0, 3) }, (_, index) => ({
          ...randomElement(random, depth + 1),
          name: utf8(String(index)),
        })),
      )
      : nested(random, depth),
  0x05: binary,
  0x06: () => new Uint8Array(),
  0x07: (random) => bytes(random, 12),
  0x08: (random) => new Uint8Array([random() < 0.5 ? 0 : 1]),
  0x09: (random) =>
    random() < 0.5
      ? int64(
        pick(random, [0n, -1n, 8_640_000_000_000_000n, 8_640_000_000_000_001n, 2n ** 63n - 1n, -(2n ** 63n)]),
      )
      : bytes(random, 8),
  0x0a: () => new Uint8Array(),
  0x0b: (random) =>
    concat(
      cstring(randomText(random)),
      cstring(random() < 0.5 ? randomText(random) : utf8(pick(random, FLAGS))),
    ),
  0x0c: (random) => concat(string(randomText(random)), bytes(random, 12)),
  0x0d: (random) => string(randomText(random)),
  0x0e: (random) => string(randomText(random)),
  0x0f: (random, depth) => {
    const rest = concat(string(randomText(random)), nested(random, depth + 1));
    return concat(int32(rest.length + 4), rest);
  },
  0x10: (random) => random() < 0.3 ? int32(pick(random, [0, -1, 2 ** 31 - 1, -(2 ** 31)])) : bytes(random, 4),
  0x11: (random) => bytes(random, 8),
  0x12: (random) =>
    random() < 0.3
      ? int64(pick(random, [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n]))
      : bytes(random, 8),
  0x13: (random) => bytes(random, 16),
  0x7f: () => new Uint8Array(),
  0xff: () => new Uint8Array(),
};

const ALL_TYPES = Object.keys(VALUES).map(Number);
const FLAT_TYPES = ALL_TYPES.filter((type) => ![0x03, 0x04, 0x0f].includes(type));
/** A server takes no array, regular expression or undefined for an `_id`. */
const ID_TYPES = ALL_TYPES.filter((type) => ![0x04, 0x06, 0x0b].includes(type));
const FLAGS = ["", "i", "imsx", "z", "l", "ii", "u"];

/** Names that mean something to JavaScript, to a driver, to MongoDB or to the agent. */
const NAMES = [
  ...[
    "",
    "a",
    "b",
    "0",
    "10",
    "9",
    "a.b",
    ".",
    "$a",
    "$",
    "$set",
    "$ref",
    "$id",
    "$db",
    "$date",
    "$numberLong",
  ],
  ...[
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "length",
    "then",
    "toBSON",
    "toJSON",
    "_bsontype",
  ],
  ...[
    "error",
    "processed_at",
    "token",
    "attempts",
    "set",
    "status ",
    "_Pull",
    "size",
    "\u2028",
    "\u202e",
    "\u001b[2J",
  ],
];

/** Texts that mean something to one of them. */
const TEXTS = [
  "\ufeff",
  "\ufeffé",
  "",
  "pending",
  "ObjectId",
  "Long",
  "Binary",
  "a\0b",
  "\ufffd",
  "\ud83d\ude00",
  "$$NOW",
  "\u001b[2J\r\n",
];

function randomName(random: () => number): Uint8Array {
  return random() < 0.8 ? utf8(pick(random, NAMES)) : randomText(random).filter((byte) => byte !== 0);
}

/** Text, mostly as people write it; the rest is bytes that are not UTF-8. */
function randomText(random: () => number): Uint8Array {
  const kind = random();
  if (kind < 0.4) return utf8(pick(random, TEXTS));
  if (kind < 0.7) return utf8("x".repeat(integerFrom(random, 0, 40)));
  if (kind < 0.9) return bytes(random, integerFrom(random, 1, 12));
  // "café" of a program that knows of no UTF-8; half a character; an encoded surrogate; an overlong slash.
  return new Uint8Array(
    pick(random, [[0x63, 0x61, 0x66, 0xe9], [0x61, 0xe2, 0x82], [0xed, 0xa0, 0x80], [0xc0, 0xaf], [
      0xff,
      0xfe,
    ]]),
  );
}

function binary(random: () => number): Uint8Array {
  // Not 7: newer servers look into it, and refuse what is no compressed column.
  const subtype = pick(random, [0, 0, 1, 2, 2, 3, 4, 5, 6, 8, 8, 9, 127, 128, 255]);
  const length = random() < 0.3 ? pick(random, [0, 4, 16]) : integerFrom(random, 0, 24);
  const data = bytes(random, length);
  // The old kind repeats its length, and no server looks whether that is right.
  if (subtype === 2 && length >= 4 && random() < 0.4) data.set(int32(length - 4));
  return concat(int32(data.length), new Uint8Array([subtype]), data);
}

/** What a driver may take for one of its own values, or for Extended JSON. */
function lookalike(random: () => number): Uint8Array {
  const name = pick(random, [
    "_bsontype",
    "$ref",
    "$oid",
    "$date",
    "$numberLong",
    "$binary",
    "$code",
    "toBSON",
    "then",
  ]);
  const fields = [{ ...randomElement(random, 3), name: utf8(name) }];
  if (random() < 0.5) {
    fields[0] = element(0x02, name, string(utf8(pick(random, [...TEXTS, "Double", "Timestamp"]))));
  }
  if (random() < 0.5) {
    fields.push({ ...randomElement(random, 3), name: utf8(pick(random, ["$id", "$scope", "id"])) });
  }
  return bsonDocument(fields);
}

function nested(random: () => number, depth: number): Uint8Array {
  return bsonDocument(
    Array.from({ length: integerFrom(random, 0, 3) }, () => randomElement(random, depth + 1)),
  );
}

function shuffle<T>(random: () => number, items: T[]): void {
  for (let at = items.length - 1; at > 0; at--) {
    const other = integerFrom(random, 0, at);
    [items[at], items[other]] = [items[other]!, items[at]!];
  }
}

function bytes(random: () => number, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => Math.floor(random() * 256));
}

function concat(...parts: Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function cstring(text: Uint8Array): Uint8Array {
  return concat(text.filter((byte) => byte !== 0), new Uint8Array(1));
}

function string(text: Uint8Array): Uint8Array {
  return concat(int32(text.length + 1), text, new Uint8Array(1));
}

function int32(value: number): Uint8Array {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setInt32(0, value, true);
  return out;
}

function int64(value: bigint): Uint8Array {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigInt64(0, value, true);
  return out;
}

function double(value: number): Uint8Array {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setFloat64(0, value, true);
  return out;
}
