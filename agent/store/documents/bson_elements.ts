import { BSON } from "mongodb";

/** One element of a document as BSON; nothing of it is parsed. */
export class RawElement {
  readonly type: number;
  /** The bytes that hold it, and the offset of its value in them. */
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly #startOffset: number;
  readonly #endOffset: number;

  constructor(bytes: Uint8Array, [type, nameOffset, , offset, length]: Place) {
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

type Place = ReturnType<typeof BSON.onDemand.parseToElements> extends Iterable<infer E> ? E : never;

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
  for (const place of BSON.onDemand.parseToElements(bytes, startOffset)) {
    const at = names.findIndex((name) => place[2] === name.length && isNamed(bytes, place[1], name));
    if (at >= 0) found[at] ??= new RawElement(bytes, place);
  }
  return found;
}

/** Each element of a document as a document of its own, with its name. */
export function* elementsApart(document: Uint8Array): Generator<[name: string, alone: Uint8Array]> {
  for (const [, nameOffset, nameLength, offset, length] of BSON.onDemand.parseToElements(document)) {
    const name = new TextDecoder().decode(document.subarray(nameOffset, nameOffset + nameLength));
    yield [name, documentOf(document.subarray(nameOffset - 1, offset + length))];
  }
}

/** A document with one element. */
export function documentOf(element: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(element.length + 5);
  new DataView(bytes.buffer).setInt32(0, bytes.length, true);
  bytes.set(element, 4);
  return bytes;
}

/** Whether the name at an offset is `name`, which is plain ASCII. */
function isNamed(document: Uint8Array, offset: number, name: string): boolean {
  for (let at = 0; at < name.length; at++) {
    if (document[offset + at] !== name.charCodeAt(at)) return false;
  }
  return true;
}
