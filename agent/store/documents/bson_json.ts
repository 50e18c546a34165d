import { BSON, type Document } from "mongodb";

const { NumberUtils } = BSON.onDemand;
const TEXT = new TextDecoder("utf-8", { ignoreBOM: true });

/** The BSON types that are not left to the driver. */
const [STRING, DOCUMENT, ARRAY, UNDEFINED, DATE, INT64] = [0x02, 0x03, 0x04, 0x06, 0x09, 0x12];

/**
 * A document as Extended JSON that people can read, on one line or indented. It is relaxed, except for integers that
 * relaxed JSON would round. It never throws: every value is read by itself, in its order, and a value that JavaScript
 * cannot hold is reported in its place. An object would lose the order of names that are numbers, and the first of two
 * fields with one name.
 */
export function bsonJson(document: Uint8Array, indent = 0, reword: Reword = (text) => text): string {
  return containerJson(document, { isArray: false, indent, depth: 1, reword });
}

/** The same of an object, as the database would hold it. Its fields that are undefined are left out. */
export function objectJson(document: Document, reword?: Reword): string {
  return bsonJson(BSON.serialize(document, { ignoreUndefined: true }), 0, reword);
}

/** What is written instead of a text; `field` is the document's field that contains it. */
export type Reword = (text: string, field: string) => string;

interface Layout {
  /** The field of the whole document that contains this. */
  field?: string;
  reword: Reword;
  isArray: boolean;
  indent: number;
  depth: number;
}

function containerJson(bytes: Uint8Array, layout: Layout): string {
  const { isArray, indent, depth } = layout;
  const parts: string[] = [];
  try {
    for (const [type, nameOffset, nameLength, offset, length] of BSON.onDemand.parseToElements(bytes)) {
      const name = TEXT.decode(bytes.subarray(nameOffset, nameOffset + nameLength));
      const { field = name } = layout;
      const value = valueJson(type, bytes, { nameOffset, offset, length }, { ...layout, field });
      parts.push(isArray ? value : `${JSON.stringify(name)}:${indent > 0 ? " " : ""}${value}`);
    }
  } catch (error) {
    return unreadable(error);
  }
  const [open, close] = isArray ? "[]" : "{}";
  if (parts.length === 0) return `${open}${close}`;
  const [inner, outer] = indent > 0
    ? [depth, depth - 1].map((deep) => `\n${" ".repeat(indent * deep)}`)
    : ["", ""];
  return `${open}${inner}${parts.join(`,${inner}`)}${outer}${close}`;
}

interface Place {
  nameOffset: number;
  offset: number;
  length: number;
}

function valueJson(type: number, bytes: Uint8Array, place: Place, layout: Layout): string {
  const { nameOffset, offset, length } = place;
  if (type === DOCUMENT || type === ARRAY) {
    const value = bytes.subarray(offset, offset + length);
    return containerJson(value, { ...layout, isArray: type === ARRAY, depth: layout.depth + 1 });
  }
  if (type === UNDEFINED) return `{"$undefined":true}`;
  if (type === DATE || type === INT64) {
    const value = NumberUtils.getBigInt64LE(bytes, offset);
    if (type === DATE) return dateJson(value);
    return value === BigInt(Number(value)) && Number.isSafeInteger(Number(value))
      ? String(value)
      : `{"$numberLong":"${value}"}`;
  }
  if (type === STRING) {
    // The length before the text, and the zero at its end, are not part of it.
    const text = TEXT.decode(bytes.subarray(offset + 4, offset + length - 1));
    return JSON.stringify(layout.reword(text, layout.field!));
  }
  try {
    const { v } = BSON.deserialize(alone(type, bytes, place), {
      bsonRegExp: true,
      validation: { utf8: false },
    });
    return BSON.EJSON.stringify(v, { relaxed: true }) ?? unreadable(`BSON type ${type} at ${nameOffset}`);
  } catch (error) {
    return unreadable(error);
  }
}

/** A value of an element as a document of its own, under the name `v`. */
function alone(type: number, bytes: Uint8Array, { offset, length }: Place): Uint8Array {
  const single = new Uint8Array(length + 8);
  new DataView(single.buffer).setInt32(0, single.length, true);
  single.set([type, 0x76, 0], 4);
  single.set(bytes.subarray(offset, offset + length), 7);
  return single;
}

/** As the driver writes dates of years that ISO 8601 can express; other dates as their milliseconds. */
function dateJson(ms: bigint): string {
  const isSpelled = ms >= 0n && ms < 253_402_300_800_000n;
  return isSpelled
    ? `{"$date":"${new Date(Number(ms)).toISOString()}"}`
    : `{"$date":{"$numberLong":"${ms}"}}`;
}

function unreadable(error: unknown): string {
  const why = error instanceof Error ? error.message : String(error);
  return JSON.stringify(`(cannot be shown: ${why})`);
}
