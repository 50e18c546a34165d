import type { Collection } from "mongodb";

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

  async #count(): Promise<number | undefined> {
    const { collection, letters, limit, maxTimeMS } = this.#options;
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
    return all < limit || own === all ? own : undefined;
  }
}

/** What a {@linkcode LetterCount} needs. */
export interface LetterCountOptions {
  /** Where the documents of the letters are. */
  collection: Collection;
  letters: Collection;
  /** It counts up to this number of letters. */
  limit: number;
  /** Bound of a query, in milliseconds. */
  maxTimeMS: number;
}
