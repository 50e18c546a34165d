/** Where an element is in the bytes of a document. */
export interface BsonPlace {
  readonly type: number;
  readonly nameOffset: number;
  readonly nameLength: number;
  /** Of its value. */
  readonly offset: number;
  readonly length: number;
}

const [DOCUMENT, ARRAY, REGEX, SCOPED] = [0x03, 0x04, 0x0b, 0x0f];
/** What the value of a type takes, in bytes. */
const FIXED: ReadonlyMap<number, number> = new Map([
  [0x01, 8],
  [0x06, 0],
  [0x07, 12],
  [0x08, 1],
  [0x09, 8],
  [0x0a, 0],
  [0x10, 4],
  [0x11, 8],
  [0x12, 8],
  [0x13, 16],
  [0x7f, 0],
  [0xff, 0],
]);
/** The same besides what its length counts, which comes first. */
const COUNTED: ReadonlyMap<number, number> = new Map([
  [0x02, 4],
  [0x05, 5],
  [0x0c, 16],
  [0x0d, 4],
  [0x0e, 4],
]);

/**
 * The elements of the document that begins at an offset, one by one: who needs the first of a million does not wait for the
 * others.
 *
 * @throws {Error} If the bytes are no document, once it comes to what is wrong.
 */
export function* placesOf(bytes: Uint8Array, startOffset = 0): Generator<BsonPlace> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = startOffset + int32(view, startOffset) - 1;
  if (end < startOffset + 4 || end >= bytes.length || bytes[end] !== 0) throw malformed(startOffset);
  let at = startOffset + 4;
  while (at < end) {
    const type = bytes[at]!;
    const nameOffset = at + 1;
    const offset = zeroIn(bytes, nameOffset) + 1;
    const length = lengthOf(type, bytes, view, offset);
    at = offset + length;
    if (length < 0 || at > end) throw malformed(offset);
    yield { type, nameOffset, nameLength: offset - 1 - nameOffset, offset, length };
  }
}

function lengthOf(type: number, bytes: Uint8Array, view: DataView, offset: number): number {
  const fixed = FIXED.get(type);
  if (fixed !== undefined) return fixed;
  if (type === DOCUMENT || type === ARRAY || type === SCOPED) return int32(view, offset);
  const besides = COUNTED.get(type);
  if (besides !== undefined) {
    const length = int32(view, offset);
    return length < 0 ? -1 : length + besides;
  }
  if (type !== REGEX) throw malformed(offset);
  return zeroIn(bytes, zeroIn(bytes, offset) + 1) + 1 - offset;
}

function int32(view: DataView, offset: number): number {
  if (offset + 4 > view.byteLength) throw malformed(offset);
  return view.getInt32(offset, true);
}

function zeroIn(bytes: Uint8Array, from: number): number {
  // Names are short: a call of the engine's search takes longer.
  for (let at = from; at < bytes.length; at++) if (bytes[at] === 0) return at;
  throw malformed(from);
}

function malformed(offset: number): Error {
  return new Error(`The bytes are no BSON document, as byte ${offset} tells`);
}
