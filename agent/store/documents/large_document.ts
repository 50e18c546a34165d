import type { Clock } from "../../lib/clock.ts";
import { sleep } from "../../lib/deadline.ts";
import { DOCUMENT_TYPE, documentOf } from "./bson_elements.ts";
import { placesOf } from "./bson_places.ts";
import { parsed, RawDocument, unreadableText } from "./raw_document.ts";

/** A document of more bytes is read in steps: it may have a million fields, which take the process a second or two. */
const LARGE = 2 ** 20;
/** So much of it is read at a time, in bytes: that takes some milliseconds. */
const STEP = 2 ** 16;
const ARRAY_TYPE = 0x04;
/** What an agent keeps is no matter of the user's. */
const OWN = new TextEncoder().encode("_pull\0");

/** Makes a document for people to look at: while a large one is read, the process does other work, too. Never rejects. */
export async function documentToShow(bytes: Uint8Array, clock: Clock): Promise<RawDocument> {
  if (bytes.length <= LARGE) return new RawDocument(bytes);
  let unreadable: string | undefined;
  try {
    for (const step of stepsOf(bytes, 0)) {
      parsed(step);
      await sleep(clock, 0);
    }
  } catch (error) {
    unreadable = unreadableText(bytes, error);
  }
  return new RawDocument(bytes, { unreadable });
}

/** Documents of some fields each, which have all of the document that begins at an offset. */
function* stepsOf(bytes: Uint8Array, startOffset: number): Generator<Uint8Array> {
  let from = startOffset + 4;
  let to = from;
  for (const { length, nameOffset, offset, type } of placesOf(bytes, startOffset)) {
    const begin = nameOffset - 1;
    const end = offset + length;
    const isOwn = startOffset === 0 && OWN.every((byte, at) => bytes[nameOffset + at] === byte);
    const isLarge = (type === DOCUMENT_TYPE || type === ARRAY_TYPE) && length > STEP;
    if (isOwn || isLarge || end - from > STEP) {
      if (begin > from) yield documentOf(bytes.subarray(from, begin));
      if (isLarge && !isOwn) yield* stepsOf(bytes, offset);
      from = isOwn || isLarge ? end : begin;
    }
    to = end;
  }
  if (to > from) yield documentOf(bytes.subarray(from, to));
}
