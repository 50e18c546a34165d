import { validDate } from "../../lib/valid_date.ts";
import type { Collection, Document, Filter } from "mongodb";
import { lettersOf } from "../dead_letters/letters_of.ts";
import type { LettersForCommands } from "../dead_letters/letters_for_commands.ts";
import { type DeadLetter, letterOf } from "../dead_letters/stored_letter.ts";
import { isForbidden } from "../mongo_errors.ts";

/** The letter of a document. */
export interface FoundLetter {
  readonly deadAt: Date | undefined;
  readonly error: string | undefined;
  readonly attempts: number | undefined;
  /** Whether it holds a copy of the document. */
  readonly hasCopy: boolean;
  /** Whether the commands on dead letters show it: it fits the document as that is now. */
  readonly stands: boolean;
}

/** What is known of letters with one `_id`. */
export interface FoundLetters {
  /** In the collection of the letters; undefined if there is none. */
  readonly own: FoundLetter | undefined;
  /** The collection whose letter has the `_id` in that place instead. */
  readonly ofOther: string | undefined;
  /** The agent has no right to read the letters. */
  readonly isForbidden: boolean;
}

/** The same `_id` in another collection of the database. */
export interface FoundInOther {
  readonly collection: string;
  /** It is a letter of a document of this collection, and not a document. */
  readonly isLetter: boolean;
  readonly hasCopy: boolean;
}

/** Collections that are searched, at most. */
const MAX_COLLECTIONS = 100;

/** Looks for letters. It writes nothing. */
export class LetterSearch {
  readonly #options: LetterSearchOptions;

  constructor(options: LetterSearchOptions) {
    this.#options = options;
  }

  /** The letter under an `_id`. Throws what the driver throws if the database is out of reach. */
  async under(id: unknown): Promise<FoundLetters> {
    const { collection, letters, lettersForCommands } = this.#options;
    const query = { _id: { $eq: id as never } };
    try {
      const found = await this.#first(letters, query);
      if (found === undefined) return { own: undefined, ofOther: undefined, isForbidden: false };
      const ours = await this.#first(letters, { $and: [query, lettersOf(collection)] });
      if (ours === undefined) {
        return { own: undefined, ofOther: String(found.source?.collection), isForbidden: false };
      }
      const [standing] = await Array.fromAsync(
        lettersForCommands.list({ filter: query, limit: 1, order: { by: "sort" } }),
      );
      return {
        own: { ...factsOf(ours), stands: standing !== undefined },
        ofOther: undefined,
        isForbidden: false,
      };
    } catch (error) {
      if (isForbidden(error)) return { own: undefined, ofOther: undefined, isForbidden: true };
      throw error;
    }
  }

  /** Other collections of the database that hold one of these ids, as far as the agent may read them. */
  async inOthers(ids: readonly unknown[]): Promise<FoundInOther[]> {
    const { collection, collectionNames, letters, other } = this.#options;
    const known = new Set([collection.collectionName, letters.collectionName]);
    const names = (await collectionNames() ?? []).filter((name) => !known.has(name)).slice(
      0,
      MAX_COLLECTIONS,
    );
    const found: FoundInOther[] = [];
    for (const name of names) {
      const there = await this.#first(other(name), { _id: { $in: ids as never[] } }).catch(unlessForbidden);
      if (there === undefined) continue;
      const isLetter = there.source?.collection === collection.collectionName && "dead_at" in there;
      found.push({ collection: name, isLetter, hasCopy: factsOf(there).hasCopy });
    }
    return found;
  }

  async #first(collection: Collection, query: Filter<Document>): Promise<DeadLetter | undefined> {
    const { maxTimeMS } = this.#options;
    const options = { projection: FACTS, limit: 1, raw: true, maxTimeMS };
    const [bytes] = await collection.find<Uint8Array>(query, options).toArray();
    return bytes && letterOf(bytes);
  }
}

function unlessForbidden(error: unknown): undefined {
  if (!isForbidden(error)) throw error;
}

/** What is read of a letter: its document may be large. */
const FACTS = {
  dead_at: 1,
  error: 1,
  attempts: 1,
  by_reference: 1,
  source: 1,
  "document._id": 1,
} as const;

function factsOf({ dead_at: at, error, attempts, by_reference: byReference, document }: DeadLetter) {
  return {
    deadAt: validDate(at),
    error: typeof error === "string" ? error : undefined,
    attempts: typeof attempts === "number" ? attempts : undefined,
    hasCopy: document !== undefined && byReference !== true,
  };
}

/** What {@linkcode LetterSearch} needs. */
export interface LetterSearchOptions {
  collection: Collection;
  letters: Collection;
  lettersForCommands: Pick<LettersForCommands, "list">;
  /** Bound of a query, in milliseconds. */
  maxTimeMS: number;
  /** The names of the collections of the database that the agent may read; undefined if it cannot be told. */
  collectionNames(): Promise<string[] | undefined>;
  /** Another collection of the database. */
  other(name: string): Collection;
}
