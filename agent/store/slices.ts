import type { Collection } from "mongodb";
import { RawDocument } from "./documents/raw_document.ts";
import { survivesRoundTrip } from "./documents/round_trip_id.ts";

/** Documents of a slice, at most. Of documents of 50 KB, a slice is 1 GB: a disk reads that in seconds. */
const SLICE = 20_000;
/** So many documents are looked at for an `_id` that JavaScript can hold unchanged, at a time. */
const TRIED = 20;

/** The bounds of a slice, as a `find` takes them with the index of `_id` as its hint. */
export interface Slice {
  /** Undefined for the first slice. */
  readonly min?: { readonly _id: unknown };
  /** The first `_id` beyond it; undefined for the last slice. */
  readonly max?: { readonly _id: unknown };
}

/**
 * Divides a collection by `_id`, for a query that no index serves: a server that reads millions of documents to find one
 * answers later than an answer is waited for, and then nothing is found. Every `_id` of any type is in one slice. Throws
 * what the driver throws.
 */
export async function* slices(collection: Collection): AsyncGenerator<Slice> {
  let from: Slice = {};
  for (;;) {
    const end = await endOf(collection, from);
    if (end === undefined) return yield from;
    const bound = { _id: end };
    yield { ...from, max: bound };
    from = { min: bound };
  }
}

/** The `_id` of the first document behind a slice; undefined if there is none. */
async function endOf(collection: Collection, from: Slice): Promise<unknown> {
  for (let skip = SLICE;; skip += TRIED) {
    const found = await collection.find<Uint8Array>({}, {
      ...from as { min?: never },
      hint: { _id: 1 },
      projection: { _id: 1 },
      skip,
      limit: TRIED,
      raw: true,
    }).toArray();
    const raw = found.map((bytes) => new RawDocument(bytes)).find(survivesRoundTrip);
    if (raw !== undefined) return raw.exactId();
    if (found.length < TRIED) return undefined;
  }
}
