import type { Collection } from "mongodb";
import type { Clock } from "../../lib/clock.ts";
import { growingCount } from "../growing_count.ts";

/** Looks from one reading of the letters to the next at most, if their number does not change: about ten minutes. */
const LOOKS_A_READING = 20;

/**
 * Counts the dead letters of a collection. There is no index that tells whose a letter is. So the letters are read again
 * only if their number has changed, which the server knows without reading, and at most so many of them as are counted.
 * After a crash of the server that number may be wrong for good: it shows a change, and is not reported.
 */
export class LetterCount {
  readonly #options: LetterCountOptions;
  #last: { readonly total: number; readonly letters: number | undefined } | undefined;
  #looks = 0;
  #atLeast: number | undefined;

  constructor(options: LetterCountOptions) {
    this.#options = options;
  }

  /**
   * How many there are, `limit` at most. Undefined if that many were read, and some are letters of other collections.
   * Throws what the driver throws.
   */
  async read(): Promise<number | undefined> {
    const { letters, maxTimeMS } = this.#options;
    const total = await letters.estimatedDocumentCount({ maxTimeMS });
    const isDue = this.#looks++ % LOOKS_A_READING === 0;
    if (isDue || total !== this.#last?.total) this.#last = { total, letters: await this.#count() };
    return this.#last!.letters;
  }

  /** If the letters could not be counted, as many or more are of this collection; undefined if none were found. */
  get atLeast(): number | undefined {
    return this.#atLeast;
  }

  async #count(): Promise<number | undefined> {
    const { clock, limit, maxTimeMS } = this.#options;
    const { firstLimit = limit } = this.#options;
    const endMs = clock.monotonicMs() + maxTimeMS;
    this.#atLeast = undefined;
    let found = { documents: 0, own: 0 };
    try {
      const leftMs = () => Math.max(1, Math.floor(endMs - clock.monotonicMs()));
      found = await growingCount({
        first: firstLimit,
        limit,
        count: (upTo) => this.#group(upTo, leftMs()),
        reached: (letters) => found = letters,
      });
      if (found.documents < limit || found.own === found.documents) return found.own;
    } catch (error) {
      this.#atLeast = found.own || undefined;
      throw error;
    }
    this.#atLeast = found.own || undefined;
    return undefined;
  }

  /** The first `limit` letters, and those of them that are of this collection. */
  async #group(limit: number, maxTimeMS: number): Promise<{ documents: number; own: number }> {
    const { collection, letters } = this.#options;
    // As `lettersOf` finds them: a letter without a source is one of this collection.
    const name = { $literal: collection.collectionName };
    const pipeline = [
      { $limit: limit },
      {
        $group: {
          _id: null,
          all: { $sum: 1 },
          own: { $sum: { $cond: [{ $eq: [{ $ifNull: ["$source.collection", name] }, name] }, 1, 0] } },
        },
      },
    ];
    const [{ all, own } = { all: 0, own: 0 }] = await letters
      .aggregate(pipeline, { hint: { _id: 1 }, maxTimeMS }).toArray() as { all: number; own: number }[];
    return { documents: all, own };
  }
}

/** What a {@linkcode LetterCount} needs. */
export interface LetterCountOptions {
  clock: Clock;
  /** Where the documents of the letters are. */
  collection: Collection;
  letters: Collection;
  /** It counts up to this number of letters. */
  limit: number;
  /** A count begins with so many, and goes on if there are more: by default it counts all at once. */
  firstLimit?: number;
  /** Bound of a count, in milliseconds. */
  maxTimeMS: number;
}
