import type { Document, Filter } from "mongodb";
import { chunks } from "../../lib/chunks.ts";
import { idKey } from "../documents/id_key.ts";
import { type DeadLetter, isNameable, letterOf } from "./stored_letter.ts";
import { type LetterOrder, letterOrder } from "./letter_order.ts";
import type { DeadLetterQuery } from "./letter_query.ts";
import { LetterPages } from "./letter_pages.ts";
import { LetterReader } from "./letter_reader.ts";
import { lettersOf } from "./letters_of.ts";
import type { LettersForCommandsOptions } from "./options.ts";
import { AS_THE_SERVER_SEES, isUndecided, stands } from "./standing_letter.ts";
import { backToPending } from "../back_to_pending.ts";
import { writeApart, type WritesApart } from "../writes_apart.ts";

/** What became of letters that an operator changes. */
export interface ChangedLetters extends WritesApart<DeadLetter> {
  /** Those that were left alone, as they or their documents have changed since; 0 if there is a `failure`. */
  readonly changed: number;
  /** Letters of documents that were set back, but which the server refuses to remove, and why. */
  readonly kept: ReadonlyMap<DeadLetter, unknown>;
}

/** The newest letters; `exact` if there are none that are newer by their dates. */
export interface NewestLetters {
  readonly letters: readonly DeadLetter[];
  readonly exact: boolean;
}

/** The index by which documents are read: some servers refuse to read a collection without one (`notablescan`). */
const BY_ID = { _id: 1 } as const;

/** Letters are read and checked against their documents this many at a time. */
const PAGE = 200;
/** The same if only their errors are read, and how large an error may be then, in bytes: a user may have edited it. */
const [SURVEY_PAGE, MAX_ERROR_BYTES] = [500, 16 * 1024];

/** What a redrive removes: of what its runs have done, a document that starts over keeps its errors alone. */
const STARTS_OVER = {
  "_pull.dead_at": "",
  "_pull.token": "",
  "_pull.owner": "",
  "_pull.snoozes": "",
  "_pull.saved": "",
} as const;

/**
 * The dead letters of a collection. The document is the truth: a letter is stale if its document is gone, processed, or
 * carries another verdict. A stale letter is not shown, and commands that change letters remove it. The letters of
 * other collections in the same place are left alone: whether they are stale is not known here.
 */
export class LettersForCommands {
  readonly #options: LettersForCommandsOptions;
  readonly #reader: LetterReader;

  constructor(options: LettersForCommandsOptions) {
    this.#options = options;
    this.#reader = new LetterReader(options);
  }

  /** In which order the letters of a query can be read. Throws what the driver throws. */
  async order({ id }: Pick<DeadLetterQuery, "id"> = {}): Promise<LetterOrder> {
    return id === undefined ? await letterOrder(this.#options.letters) : { by: "sort" };
  }

  /** How many letters a query finds, stale ones among them; undefined if that takes too long. */
  async count(query: Pick<DeadLetterQuery, "filter">): Promise<number | undefined> {
    return await this.#reader.count(query);
  }

  /** The letters that stand, oldest first, if an order serves that; without their documents unless they are to be `whole`. */
  async *list(query: DeadLetterQuery): AsyncGenerator<DeadLetter> {
    const { limit = Infinity, whole = false, removeStale = false, order = await this.order(query) } = query;
    let left = limit;
    for await (const page of chunks(this.#reader.inOrder(query, order, PAGE), PAGE)) {
      for (const letter of await this.#standing(page.map(letterOf), removeStale)) {
        if (left-- <= 0) return;
        const found = whole ? await this.#reader.whole(letter._id) : undefined;
        if (!whole) yield letter;
        else if (found) yield letterOf(found);
      }
    }
  }

  /**
   * The errors and dates of all letters that stand, in no order: a server sorts only so many in memory. Any number of
   * letters needs the same memory.
   */
  async *survey(query: Pick<DeadLetterQuery, "filter">): AsyncGenerator<DeadLetter> {
    const found = this.#reader.byId(query, this.#surveyed, SURVEY_PAGE);
    for await (const page of chunks(found, SURVEY_PAGE)) {
      yield* await this.standing(page.map(letterOf));
    }
  }

  /** Of some letters, those that are not stale. Throws what the driver throws. */
  async standing(letters: readonly DeadLetter[]): Promise<DeadLetter[]> {
    return letters.length === 0 ? [] : await this.#standing([...letters], false);
  }

  /** The letters by a cursor. */
  pages(maxTimeMS: number): LetterPages {
    const { collection, letters } = this.#options;
    const standing = (letters: readonly DeadLetter[]) => this.standing(letters);
    return new LetterPages({ collection, letters, fields: this.#surveyed, maxTimeMS, standing });
  }

  /**
   * The errors and dates of the newest letters that stand, of the last so many. It asks little of a server that has many:
   * without an index on their dates those of the highest `_id` count as the newest.
   */
  async newest(limit: number): Promise<NewestLetters> {
    const { exact, found } = await this.#reader.newest(this.#surveyed, limit);
    return { exact, letters: await this.#standing(found.map(letterOf), false) };
  }

  /** The letters of the documents with these ids, without their documents, whether they stand or not. */
  async under(ids: readonly unknown[]): Promise<DeadLetter[]> {
    if (ids.length === 0) return [];
    const query = { _id: { $in: ids as never[] }, ...lettersOf(this.#options.collection) };
    const found = this.#options.letters.find<Uint8Array>(query, { projection: { document: 0 }, raw: true });
    return (await found.toArray()).map(letterOf);
  }

  /**
   * Removes the letters whose document exists and is no such dead letter any more, and returns how many there were. Letters
   * of deleted documents stay.
   */
  async removeOutdated(): Promise<number> {
    let count = 0;
    for await (
      const page of chunks(this.#reader.byId({}, { dead_at: 1, by_reference: 1 }, SURVEY_PAGE), SURVEY_PAGE)
    ) {
      const { count: removed, failure, refused } = await this.removeAll(
        await this.outdated(page.map(letterOf)),
      );
      count += removed;
      const [refusal] = refused.values();
      if (failure || refusal) throw failure ? failure.cause : refusal;
    }
    return count;
  }

  /** Of these letters, those whose document exists and is no such dead letter any more. */
  async outdated(letters: readonly DeadLetter[]): Promise<DeadLetter[]> {
    if (letters.length === 0) return [];
    const documents = await this.#documentsOf(letters);
    return letters.filter((letter) => {
      const document = documents.get(idKey(letter._id));
      return document !== undefined && !stands(letter, document) && !isUndecided(letter, document);
    });
  }

  /** Removes letters together; a newer one that has replaced one of them stays. Never throws. */
  async removeAll(letters: readonly DeadLetter[]): Promise<WritesApart<DeadLetter>> {
    return await writeApart(
      this.#options.letters,
      letters.filter(isNameable),
      (letter) => ({ deleteOne: { filter: this.#as(letter) } }),
    );
  }

  /** Removes letters for an operator; their documents stay `failed`. Never throws. */
  async purge(letters: readonly DeadLetter[]): Promise<ChangedLetters> {
    const removed = await this.removeAll(letters);
    const { count, failure, refused } = removed;
    return { ...removed, changed: failure ? 0 : letters.length - refused.size - count, kept: new Map() };
  }

  /** How many letters of other collections the query would match; undefined if to count them takes too long. */
  async countOthers(query: DeadLetterQuery): Promise<number | undefined> {
    return await this.#reader.countOthers(query);
  }

  /**
   * Sets documents back to pending, with no attempts, no snoozes and no checkpoint, and removes their letters. A document
   * that has changed since is left alone. In this order a crash in between leaves stale letters, and never a failed
   * document without one. Never throws.
   */
  async redrive(letters: readonly DeadLetter[]): Promise<ChangedLetters> {
    const fields = backToPending(this.#options.serverClock, {
      "_pull.attempts": 0,
      "_pull.takeovers": 0,
      "_pull.alone": 0,
    });
    const update = { $set: fields, $unset: STARTS_OVER };
    const nameable = letters.filter(isNameable);
    const written = await writeApart(
      this.#options.collection,
      nameable,
      (letter) => ({ updateOne: { filter: this.#failed(letter), update } }),
    );
    const { count, refused } = written;
    const changed = written.failure ? 0 : letters.length - refused.size - count;
    if (count === 0 || written.failure) return { ...written, changed, kept: new Map() };
    try {
      const areAll = count === nameable.length;
      const removed = await this.removeAfter(nameable, areAll ? undefined : fields);
      return {
        ...written,
        ...removed.failure && { failure: removed.failure },
        changed,
        kept: removed.refused,
      };
    } catch (cause) {
      return { ...written, changed, kept: new Map(), failure: { cause } };
    }
  }

  /**
   * Removes the letters of documents that were just set back, or all of them if it is not told how those look. An agent may have claimed some since: their
   * letters are outdated. Throws what the driver throws if it cannot find out which.
   *
   * @param asSetBack what the documents match
   */
  async removeAfter(
    letters: readonly DeadLetter[],
    asSetBack?: Filter<Document>,
  ): Promise<WritesApart<DeadLetter>> {
    if (asSetBack === undefined || letters.length === 0) return await this.removeAll(letters);
    const query = { $and: [{ _id: { $in: letters.map(({ _id }) => _id) as never[] } }, asSetBack] };
    const found = this.#options.collection.find(query, { projection: { _id: 1 }, hint: BY_ID });
    const keys = new Set((await found.toArray()).map(({ _id }) => idKey(_id)));
    const [waiting, others]: [DeadLetter[], DeadLetter[]] = [[], []];
    for (const letter of letters) (keys.has(idKey(letter._id)) ? waiting : others).push(letter);
    return await this.removeAll([...waiting, ...await this.outdated(others)]);
  }

  /** What of a letter tells its error, and whether it stands. */
  get #surveyed(): Document {
    const isSized = !this.#options.server.abilities.lacks("bsonSize");
    const size = { $bsonSize: { error: "$error" } };
    const tooLarge = { $literal: `(an error of more than ${MAX_ERROR_BYTES / 1024} KiB)` };
    const error = isSized ? { $cond: [{ $gt: [size, MAX_ERROR_BYTES] }, tooLarge, "$error"] } : 1;
    return { dead_at: 1, by_reference: 1, error };
  }

  /** Matches a letter, and no newer one that has replaced it. */
  #as({ _id, dead_at }: DeadLetter): Filter<Document> {
    // A letter without a verdict has to match as such: with undefined the field would be left out, and a newer letter
    // be removed.
    return { _id: { $eq: _id } as never, dead_at: dead_at ?? null, ...lettersOf(this.#options.collection) };
  }

  #failed({ _id, by_reference, dead_at }: DeadLetter): Filter<Document> {
    // If a user has edited the verdict out of a letter, the verdict on the document counts.
    if (!(dead_at instanceof Date)) return { _id: { $eq: _id } as never, status: "failed" };
    const verdict = by_reference ? { $in: [dead_at, null] } : dead_at;
    return { _id: { $eq: _id } as never, status: "failed", "_pull.dead_at": verdict };
  }

  /** Of a page of letters, those that are not stale. */
  async #standing(page: DeadLetter[], removeStale: boolean): Promise<DeadLetter[]> {
    const documents = await this.#documentsOf(page);
    const documentOf = (letter: DeadLetter) => documents.get(idKey(letter._id));
    const standing = page.filter((letter) => stands(letter, documentOf(letter)));
    if (!removeStale) return standing;
    const stale = page.filter((letter) =>
      !standing.includes(letter) && !isUndecided(letter, documentOf(letter))
    );
    const { failure, refused } = await this.removeAll(stale);
    const [refusal] = refused.values();
    if (failure || refusal) throw failure ? failure.cause : refusal;
    return standing;
  }

  /** What tells whether the letters of a page stand, by the keys of their ids. */
  async #documentsOf(page: readonly DeadLetter[]): Promise<Map<unknown, Document>> {
    const ids = page.map(({ _id }) => _id) as never[];
    const documents = await this.#options.collection
      .aggregate([{ $match: { _id: { $in: ids } } }, { $project: AS_THE_SERVER_SEES }]).toArray();
    return new Map(documents.map((document) => [idKey(document._id), document]));
  }
}
