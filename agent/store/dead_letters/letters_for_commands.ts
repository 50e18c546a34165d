import type { Collection, Document, Filter } from "mongodb";
import { chunks } from "../../lib/chunks.ts";
import { idKey } from "../documents/id_key.ts";
import { type DeadLetter, isNameable, letterOf } from "./stored_letter.ts";
import { lettersOf, lettersOfOthers } from "./letters_of.ts";
import { backToPending } from "../back_to_pending.ts";
import type { ServerClock } from "../connection/server_clock.ts";
import { possibleIds } from "../documents/parse_id.ts";
import type { StoreServer } from "../server/store_server.ts";
import { writeApart, type WritesApart } from "../writes_apart.ts";

/** Which letters are meant. */
export interface DeadLetterQuery {
  /** As people type it: an ObjectId's digits, Extended JSON, or text. */
  id?: string | undefined;
  /** A query on the letters. */
  filter?: Filter<Document> | undefined;
  /** At most this many. */
  limit?: number | undefined;
  /** With their documents, which may be large. */
  whole?: boolean;
  /** Remove the stale letters that are met. */
  removeStale?: boolean;
}

/** The index by which letters are read: some servers refuse to read a collection without one (`notablescan`). */
const BY_ID = { _id: 1 } as const;

/** Letters are read and checked against their documents this many at a time. */
const PAGE = 100;
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
 * The fields of a document that tell whether its letter stands. The server reads them: if a field occurs twice in a
 * document, the server takes the first one, as the agent's writes do, and JavaScript the last.
 */
const AS_THE_SERVER_SEES = { status: "$status", _pull: { dead_at: "$_pull.dead_at" } } as const;

/**
 * The dead letters of a collection. The document is the truth: a letter is stale if its document is gone, processed, or
 * carries another verdict. A stale letter is not shown, and commands that change letters remove it. The letters of
 * other collections in the same place are left alone: whether they are stale is not known here.
 */
export class LettersForCommands {
  readonly #options: LettersForCommandsOptions;

  constructor(options: LettersForCommandsOptions) {
    this.#options = options;
  }

  /** The letters that stand, oldest first. */
  async *list(query: DeadLetterQuery): AsyncGenerator<DeadLetter> {
    const { limit = Infinity, whole = false, removeStale = false } = query;
    const ours = { $and: [lettersOf(this.#options.collection), meant(query)] };
    // They are read without their documents: a page of documents might need more memory than there is.
    const cursor = this.#options.letters.find<Uint8Array>(ours, {
      projection: { document: 0 },
      sort: { dead_at: 1, _id: 1 },
      batchSize: PAGE,
      raw: true,
      hint: BY_ID,
    });
    let left = limit;
    for await (const page of chunks(cursor, PAGE)) {
      for (const letter of await this.#standing(page.map(letterOf), removeStale)) {
        if (left-- <= 0) return await cursor.close();
        if (!whole) {
          yield letter;
          continue;
        }
        const same = { _id: { $eq: letter._id } as never, ...lettersOf(this.#options.collection) };
        const [found] = await this.#options.letters.find<Uint8Array>(same, { raw: true, limit: 1 }).toArray();
        if (found) yield letterOf(found);
      }
    }
  }

  /**
   * The errors and dates of all letters that stand, in no order: a server sorts only so many in memory. Any number of
   * letters needs the same memory.
   */
  async *survey(query: Pick<DeadLetterQuery, "filter">): AsyncGenerator<DeadLetter> {
    const ours = { $and: [lettersOf(this.#options.collection), meant(query)] };
    const isSized = !this.#options.server.abilities.lacks("bsonSize");
    const size = { $bsonSize: { error: "$error" } };
    const tooLarge = { $literal: `(an error of more than ${MAX_ERROR_BYTES / 1024} KiB)` };
    const cursor = this.#options.letters.find<Uint8Array>(ours, {
      projection: {
        dead_at: 1,
        by_reference: 1,
        error: isSized ? { $cond: [{ $gt: [size, MAX_ERROR_BYTES] }, tooLarge, "$error"] } : 1,
      },
      batchSize: SURVEY_PAGE,
      raw: true,
      hint: BY_ID,
    });
    for await (const page of chunks(cursor, SURVEY_PAGE)) {
      yield* await this.#standing(page.map(letterOf), false);
    }
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
    const cursor = this.#options.letters.find<Uint8Array>(lettersOf(this.#options.collection), {
      projection: { dead_at: 1, by_reference: 1 },
      batchSize: SURVEY_PAGE,
      raw: true,
      hint: BY_ID,
    });
    let count = 0;
    for await (const page of chunks(cursor, SURVEY_PAGE)) {
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

  /** How many letters of other collections the query would match. */
  async countOthers(query: DeadLetterQuery): Promise<number> {
    const { collection, letters } = this.#options;
    return await letters.countDocuments({ $and: [lettersOfOthers(collection), meant(query)] }, {
      hint: BY_ID,
    });
  }

  /**
   * Sets the document back to pending, with no attempts, no snoozes and no checkpoint, and removes its letter; `false`
   * if the document has changed since. In this order a crash in between leaves a stale letter, and never a failed
   * document without one.
   */
  async redrive(letter: DeadLetter): Promise<boolean> {
    const { collection, serverClock } = this.#options;
    if (!isNameable(letter)) return false;
    const { matchedCount } = await collection.updateOne(this.#failed(letter), {
      $set: backToPending(serverClock, { "_pull.attempts": 0, "_pull.takeovers": 0, "_pull.alone": 0 }),
      $unset: STARTS_OVER,
    });
    if (matchedCount > 0) await this.remove(letter);
    return matchedCount > 0;
  }

  /** Removes a letter; its document stays `failed`. Returns `false` if a newer letter has replaced it. */
  async remove(letter: DeadLetter): Promise<boolean> {
    if (!isNameable(letter)) return false;
    const { deletedCount } = await this.#options.letters.deleteOne(this.#as(letter));
    return deletedCount > 0;
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
    await Promise.all(stale.map((letter) => this.remove(letter)));
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

/** What the commands on dead letters need. */
export interface LettersForCommandsOptions {
  collection: Collection;
  letters: Collection;
  serverClock: ServerClock;
  server: StoreServer;
}

function stands(letter: DeadLetter, document: Document | undefined): boolean {
  const { by_reference, dead_at } = letter;
  // No query can name its document, so nothing is known against the letter.
  if (!isNameable(letter)) return true;
  if (!document || document.status === "processed") return false;
  const verdict = document._pull?.dead_at;
  if (!(dead_at instanceof Date)) return document.status === "failed";
  if (by_reference && verdict === undefined) return document.status === "failed";
  return verdict instanceof Date && verdict.getTime() === dead_at.getTime();
}

/**
 * A letter by reference is written before its document's mark, as there is no room for a verdict. If it were removed in
 * between, the failed document would have no letter.
 */
function isUndecided({ by_reference }: DeadLetter, document: Document | undefined): boolean {
  return by_reference === true && document?._pull?.dead_at === undefined &&
    (document?.status === "pending" || document?.status === "processing");
}

function meant({ id, filter = {} }: DeadLetterQuery): Filter<Document> {
  return id === undefined ? filter : { $and: [{ _id: { $in: possibleIds(id) as never[] } }, filter] };
}
