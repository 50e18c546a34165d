import type { Clock } from "../../lib/clock.ts";
import { sameBytes } from "../../lib/same_bytes.ts";
import { BSON, type Collection, type Document, type Filter } from "mongodb";
import { formatId } from "../documents/format_id.ts";
import { bsonJson } from "../documents/bson_json.ts";
import { documentOf, elementNamed } from "../documents/bson_elements.ts";
import { otherIds, possibleIds } from "../documents/parse_id.ts";
import { documentToShow } from "../documents/large_document.ts";
import { RawDocument } from "../documents/raw_document.ts";
import type { StoreContext } from "../store_context.ts";
import { survivesRoundTrip } from "../documents/round_trip_id.ts";

/** A document that a typed id means. */
export interface FoundDocument {
  readonly raw: RawDocument;
  /** Finds it alone, also if no claim can name its `_id`. */
  readonly selector: Filter<Document>;
  /** Whether a claim can name its `_id`. */
  readonly isNameable: boolean;
  /** It is only near to the id as it was typed: the same digits or letters as another type. */
  readonly isNear: boolean;
}

/** Documents with one typed id, at most: one for each type that it may have. */
const MAX_FOUND = 10;
/** Ids that are read to find one that no query can name, at most. */
const MAX_SCANNED = 20_000;
/** Bound of that search, in milliseconds. */
const SCAN_MS = 3000;

/** Finds documents by ids as people type them. It writes nothing. */
export class DocumentFinder {
  readonly #collection: Collection;
  readonly #maxTimeMS: number;
  readonly #clock: Clock;

  constructor({ clock, collection, maxTimeMS }: Pick<StoreContext, "clock" | "collection" | "maxTimeMS">) {
    this.#clock = clock;
    this.#collection = collection;
    this.#maxTimeMS = maxTimeMS;
  }

  /** The documents that a typed id means, or that are near to it. Throws what the driver throws. */
  async withId(text: string): Promise<FoundDocument[]> {
    const exact = await this.#read({ _id: { $in: possibleIds(text) as never[] } });
    if (exact.length > 0) return await this.#all(exact, false);
    const near = await this.#read({ _id: { $in: otherIds(text) as never[] } });
    if (near.length > 0) return await this.#all(near, true);
    return await this.#unnameable(text);
  }

  /** The document as it is now, the same object if it is the same; undefined if it is gone. */
  async again(found: FoundDocument): Promise<FoundDocument | undefined> {
    const { isNear, raw, selector } = found;
    const [bytes] = await this.#read(selector);
    if (bytes === undefined) return undefined;
    // To read it takes long if it is large.
    return sameBytes(bytes, raw.bytes) ? found : { ...await this.#named(bytes, isNear), selector };
  }

  #all(found: readonly Uint8Array[], isNear: boolean): Promise<FoundDocument[]> {
    return Promise.all(found.map((bytes) => this.#named(bytes, isNear)));
  }

  async #named(bytes: Uint8Array, isNear: boolean): Promise<FoundDocument> {
    const raw = await documentToShow(bytes, this.#clock);
    return { raw, selector: { _id: { $eq: raw.id as never } }, isNameable: survivesRoundTrip(raw), isNear };
  }

  #read(query: Filter<Document>): Promise<Uint8Array[]> {
    const options = { raw: true, limit: MAX_FOUND, hint: { _id: 1 }, maxTimeMS: this.#maxTimeMS };
    return this.#collection.find<Uint8Array>(query, options).toArray();
  }

  /**
   * Documents whose `_id` JavaScript shows as this text, and could not send back. The server makes a number of each id,
   * by which it finds the document again.
   */
  async #unnameable(text: string): Promise<FoundDocument[]> {
    const range = rangeOfUnnameable(text);
    if (range === undefined) return [];
    const candidates = await this.#collection.find<Uint8Array>(range, {
      projection: { _id: 1, [HASH]: { $toHashedIndexKey: "$_id" } },
      sort: { _id: 1 },
      limit: MAX_SCANNED,
      raw: true,
      maxTimeMS: SCAN_MS,
    }).toArray().catch(unlessUnsupported);
    const same = candidates.filter((bytes) => isShownAs(bytes, text)).slice(0, MAX_FOUND);
    const found = await Promise.all(same.map(async (bytes) => {
      const hash =
        BSON.deserialize(documentOf(elementNamed(bytes, HASH)!.whole), { promoteLongs: false })[HASH];
      const selector = { ...range, $expr: { $eq: [{ $toHashedIndexKey: "$_id" }, hash] } };
      const all = await this.#all(await this.#read(selector), false);
      return all.map((each) => ({ ...each, selector }));
    }));
    return found.flat();
  }
}

/** The name under which the number of an id is read. */
const HASH = "h";

/** Which ids may be shown as this text and be another value; undefined if the text is a plain one. */
function rangeOfUnnameable(text: string): Filter<Document> | undefined {
  const at = text.indexOf("\ufffd");
  if (at >= 0) return { _id: { $type: "string", $gte: text.slice(0, at) as never } };
  if (/^\s*\{\s*"\$date"/.test(text)) return { _id: { $type: "date" } };
  if (/^\s*\{/.test(text)) return { _id: { $type: "object" } };
  return undefined;
}

function isShownAs(bytes: Uint8Array, text: string): boolean {
  const json = bsonJson(documentOf(elementNamed(bytes, "_id")!.whole));
  const shown = [formatId(new RawDocument(bytes).id), json.slice(json.indexOf(":") + 1, -1)];
  return shown.some((each) => withoutBlanks(each) === withoutBlanks(text));
}

function withoutBlanks(text: string): string {
  return text.replaceAll(/\s/g, "");
}

/** A server that is too old to number ids, or too slow to read them, finds none. */
function unlessUnsupported(error: unknown): never[] {
  if ([31325, 168, 50].includes(Number((error as { code?: unknown }).code))) return [];
  throw error;
}
