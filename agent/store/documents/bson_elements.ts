import { type BsonPlace, placesOf } from "./bson_places.ts";

/** One for all: a document may have a million names. */
const decoder = new TextDecoder();

/** One element of a document as BSON; nothing of it is parsed. */
export class RawElement {
  readonly type: number;
  /** The bytes that hold it, and the offset of its value in them. */
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly #startOffset: number;
  readonly #endOffset: number;

  constructor(bytes: Uint8Array, { length, nameOffset, offset, type }: BsonPlace) {
    this.type = type;
    this.bytes = bytes;
    this.offset = offset;
    // The type is the byte before the name.
    this.#startOffset = nameOffset - 1;
    this.#endOffset = offset + length;
  }

  /** How many bytes its value has. */
  get valueLength(): number {
    return this.#endOffset - this.offset;
  }

  /** Type, name and value. */
  get whole(): Uint8Array {
    return this.bytes.subarray(this.#startOffset, this.#endOffset);
  }
}

/** The BSON type of an embedded document. */
export const DOCUMENT_TYPE = 0x03;

/** The first element with this name: if there are several, the server looks at the first. */
export function elementNamed(document: Uint8Array, name: string): RawElement | undefined {
  return elementsNamed(document, [name])[0];
}

/** The first element of each name, in the order of the names, of the document that begins at `startOffset`. */
export function elementsNamed(
  bytes: Uint8Array,
  names: readonly string[],
  startOffset = 0,
): (RawElement | undefined)[] {
  const found: (RawElement | undefined)[] = names.map(() => undefined);
  for (const place of placesOf(bytes, startOffset)) {
    const { nameLength, nameOffset } = place;
    const at = names.findIndex((name) => nameLength === name.length && isNamed(bytes, nameOffset, name));
    if (at >= 0) found[at] ??= new RawElement(bytes, place);
  }
  return found;
}

/** The elements whose names contain `part`, in letters of any size, and have so many bytes at most; `part` is in small ASCII. */
export function* elementsNamedLike(
  document: Uint8Array,
  part: string,
  maxNameBytes: number,
): Generator<[name: string, element: RawElement]> {
  for (const place of placesOf(document)) {
    const { nameLength, nameOffset } = place;
    if (nameLength > maxNameBytes || !contains(document, nameOffset, nameLength, part)) continue;
    yield [nameOf(document, place), new RawElement(document, place)];
  }
}

/** Each element of a document as a document of its own, with its name. */
export function* elementsApart(document: Uint8Array): Generator<[name: string, alone: Uint8Array]> {
  for (const place of placesOf(document)) {
    yield [nameOf(document, place), documentOf(new RawElement(document, place).whole)];
  }
}

/** A document with one element. */
export function documentOf(element: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(element.length + 5);
  new DataView(bytes.buffer).setInt32(0, bytes.length, true);
  bytes.set(element, 4);
  return bytes;
}

function nameOf(document: Uint8Array, { nameLength, nameOffset }: BsonPlace): string {
  return decoder.decode(document.subarray(nameOffset, nameOffset + nameLength));
}

/** What a small ASCII letter differs in from a capital one. */
const CASE = 0x20;

function contains(document: Uint8Array, offset: number, length: number, part: string): boolean {
  for (let start = offset; start <= offset + length - part.length; start++) {
    let same = 0;
    while (same < part.length && (document[start + same]! | CASE) === part.charCodeAt(same)) same += 1;
    if (same === part.length) return true;
  }
  return false;
}

/** Whether the name at an offset is `name`, which is plain ASCII. */
function isNamed(document: Uint8Array, offset: number, name: string): boolean {
  for (let at = 0; at < name.length; at++) {
    if (document[offset + at] !== name.charCodeAt(at)) return false;
  }
  return true;
}
