/**
 * BSON as bytes: taken apart and put together without the driver, so that nothing of it is read or changed on the way.
 *
 * @module
 */

/** One element of a document. */
export interface BsonElement {
  type: number;
  name: Uint8Array;
  /** All that follows the name. */
  value: Uint8Array;
}

/** An element with a name that is text. */
export function element(type: number, name: string, value: Uint8Array): BsonElement {
  return { type, name: utf8(name), value };
}

/** A document of these elements. */
export function bsonDocument(elements: readonly BsonElement[]): Uint8Array<ArrayBuffer> {
  const length = elements.reduce((sum, { name, value }) => sum + name.length + value.length + 2, 5);
  const bytes = new Uint8Array(length);
  new DataView(bytes.buffer).setInt32(0, length, true);
  let at = 4;
  for (const { type, name, value } of elements) {
    bytes[at] = type;
    bytes.set(name, at + 1);
    bytes.set(value, at + name.length + 2);
    at += name.length + value.length + 2;
  }
  return bytes;
}

/** The elements of a document, in their order; values are not looked into. */
export function elementsOf(document: Uint8Array): BsonElement[] {
  const found: BsonElement[] = [];
  for (let at = 4; document[at] !== 0;) {
    const type = document[at]!;
    const end = document.indexOf(0, at + 1);
    if (end < 0) throw new Error(`An element at ${at} has no end: ${document.toHex()}`);
    const valueAt = end + 1;
    const length = lengthOf(type, document, valueAt);
    found.push({
      type,
      name: document.subarray(at + 1, end),
      value: document.subarray(valueAt, valueAt + length),
    });
    at = valueAt + length;
  }
  return found;
}

/** The first element of a name, as a server sees it if there are several. */
export function elementNamed(document: Uint8Array, name: string): BsonElement | undefined {
  const wanted = utf8(name);
  return elementsOf(document).find((each) => sameBytes(each.name, wanted));
}

/** Whether two pieces of bytes are the same. */
export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

/** Text as bytes. */
export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Lengths of values that are always the same, by type. */
const FIXED: Record<number, number> = {
  ...{ 0x01: 8, 0x06: 0, 0x07: 12, 0x08: 1, 0x09: 8, 0x0a: 0 },
  ...{ 0x10: 4, 0x11: 8, 0x12: 8, 0x13: 16, 0x7f: 0, 0xff: 0 },
};

function lengthOf(type: number, bytes: Uint8Array, at: number): number {
  const fixed = FIXED[type];
  if (fixed !== undefined) return fixed;
  if (type === 0x0b) return bytes.indexOf(0, bytes.indexOf(0, at) + 1) + 1 - at;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getInt32(at, true);
  switch (type) {
    case 0x02:
    case 0x0d:
    case 0x0e:
      return 4 + length;
    case 0x03:
    case 0x04:
    case 0x0f:
      return length;
    case 0x05:
      return 5 + length;
    case 0x0c:
      return 4 + length + 12;
    default:
      throw new Error(`BSON has no type 0x${type.toString(16)}`);
  }
}
