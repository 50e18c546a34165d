import type { Document, Filter, FindOptions } from "mongodb";
import { isOutOfTime } from "../mongo_errors.ts";
import { slices } from "../slices.ts";
import { indexByDate, type LetterOrder } from "./letter_order.ts";
import { type DeadLetterQuery, meant } from "./letter_query.ts";
import { lettersOf, lettersOfOthers } from "./letters_of.ts";
import type { LettersForCommandsOptions } from "./options.ts";

/** The index by which letters are read if no other serves: some servers refuse to read without one (`notablescan`). */
const BY_ID = { _id: 1 } as const;

/** Letters are counted for this long at most, in milliseconds. */
const COUNT_LIMIT_MS = 5000;
/** The newest are looked for this long at most, in milliseconds, among so many of the highest `_id`. */
const [NEWEST_LIMIT_MS, NEWEST_LOOKED_AT] = [1500, 5000];
/** Those of other collections for this long: there is only a remark about them. */
const COUNT_OTHERS_LIMIT_MS = 2000;

/**
 * What a line about a letter tells, and what a change of it needs. A server leaves out the rest before it sorts: pages of
 * documents might need more memory than there is.
 */
const IN_A_LINE = { dead_at: 1, by_reference: 1, attempts: 1, error: 1, source: 1 } as const;

/** How the commands read the letters of a collection, however many there are. Its methods throw what the driver throws. */
export class LetterReader {
  readonly #options: Pick<LettersForCommandsOptions, "collection" | "letters">;

  constructor(options: Pick<LettersForCommandsOptions, "collection" | "letters">) {
    this.#options = options;
  }

  /** How many letters a query finds, stale ones among them; undefined if that takes too long. */
  async count(query: DeadLetterQuery): Promise<number | undefined> {
    return await this.#countOf(this.#meant(query), COUNT_LIMIT_MS);
  }

  /** How many letters of other collections the query would match; undefined if that takes too long. */
  async countOthers(query: DeadLetterQuery): Promise<number | undefined> {
    const others = { $and: [lettersOfOthers(this.#options.collection), meant(query)] };
    return await this.#countOf(others, COUNT_OTHERS_LIMIT_MS);
  }

  /** The letters that a query finds, as far as a line tells them. */
  inOrder(query: DeadLetterQuery, order: LetterOrder, size: number): AsyncIterable<Uint8Array> {
    const { letters } = this.#options;
    const how = { batchSize: size, raw: true };
    const found = this.#meant(query);
    switch (order.by) {
      case "id":
        return this.byId(query, IN_A_LINE, size);
      case "date":
        return letters.find<Uint8Array>(found, {
          ...how,
          projection: IN_A_LINE,
          sort: { dead_at: 1 },
          hint: order.index,
        });
      case "sort":
        return letters.aggregate<Uint8Array>([
          { $match: found },
          { $project: IN_A_LINE },
          { $sort: { dead_at: 1, _id: 1 } },
        ], { ...how, allowDiskUse: true, hint: BY_ID });
    }
  }

  /** The same in the order of `_id`, with other fields. */
  async *byId(query: DeadLetterQuery, projection: Document, size: number): AsyncGenerator<Uint8Array> {
    const { letters } = this.#options;
    for await (const slice of slices(letters)) {
      yield* letters.find<Uint8Array>(this.#meant(query), {
        ...slice as FindOptions,
        projection,
        batchSize: size,
        raw: true,
        hint: BY_ID,
      });
    }
  }

  /**
   * The newest letters, with these fields. Without an index on their dates, only a bounded number of letters is looked at:
   * those of the highest `_id`. `exact` if no others are there.
   */
  async newest(projection: Document, limit: number): Promise<{ found: Uint8Array[]; exact: boolean }> {
    const { collection, letters } = this.#options;
    const own = { $match: lettersOf(collection) };
    const newestFirst = [{ $sort: { dead_at: -1 } }, { $limit: limit }];
    const how = { maxTimeMS: NEWEST_LIMIT_MS };
    const index = await indexByDate(letters);
    const [pipeline, hint] = index === undefined
      ? [[
        { $sort: { _id: -1 } },
        { $limit: NEWEST_LOOKED_AT },
        own,
        { $project: projection },
        ...newestFirst,
      ], BY_ID]
      : [[own, ...newestFirst, { $project: projection }], index];
    const total = index === undefined ? await letters.estimatedDocumentCount(how) : 0;
    const found = await letters.aggregate<Uint8Array>(pipeline, { ...how, hint, raw: true, batchSize: limit })
      .toArray();
    return { found, exact: total <= NEWEST_LOOKED_AT };
  }

  /** The whole letter under an id. */
  async whole(id: unknown): Promise<Uint8Array | undefined> {
    const query = { _id: { $eq: id } as never, ...lettersOf(this.#options.collection) };
    const [found] = await this.#options.letters.find<Uint8Array>(query, { raw: true, limit: 1 }).toArray();
    return found;
  }

  #meant(query: DeadLetterQuery): Filter<Document> {
    return { $and: [lettersOf(this.#options.collection), meant(query)] };
  }

  async #countOf(query: Filter<Document>, maxTimeMS: number): Promise<number | undefined> {
    try {
      return await this.#options.letters.countDocuments(query, { hint: BY_ID, maxTimeMS });
    } catch (error) {
      if (isOutOfTime(error)) return undefined;
      throw error;
    }
  }
}
