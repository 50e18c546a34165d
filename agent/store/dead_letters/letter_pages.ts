import type { Collection, Document } from "mongodb";
import { type Clock, systemClock } from "../../lib/clock.ts";
import { documentKey } from "../documents/document_key.ts";
import { idKey } from "../documents/id_key.ts";
import { type DeadLetter, isNameable, letterOf } from "./stored_letter.ts";

/** Letters that are read for a page, at most: few of them may be wanted. */
const MAX_READ = 2000;
/** They are read this many at a time: so many times what the page holds if all are wanted, otherwise so many. */
const [TIMES, BATCH] = [1.2, 250];
/** No further ones are read after so long, in milliseconds. */
const MAX_MS = 1000;
/** A cursor is text in an address: a longer `_id` is no place to go on from, in UTF-16 units. */
const MAX_CURSOR = 1000;

/** Some letters that stand, and where the next ones are. */
export interface LetterPage {
  readonly letters: readonly DeadLetter[];
  /** The key of the `_id` to go on behind; undefined at the end. */
  readonly next: string | undefined;
}

/**
 * The letters of a collection by a cursor, in the order of their `_id`: the millionth page costs what the first one does.
 */
export class LetterPages {
  readonly #options: LetterPagesOptions;
  readonly #clock: Clock;

  constructor(options: LetterPagesOptions, clock: Clock = systemClock) {
    this.#options = options;
    this.#clock = clock;
  }

  /**
   * Reads a page. Throws what the driver throws.
   *
   * @param after the `_id` that was the last one
   */
  async page({ after, isWanted, size }: LetterPageQuery): Promise<LetterPage> {
    // Most letters stand: then a page costs what it shows.
    let batch = isWanted === undefined ? Math.ceil(TIMES * size) : BATCH;
    const startMs = this.#clock.monotonicMs();
    const page: DeadLetter[] = [];
    let [from, read] = [after, 0];
    for (;;) {
      const some = await this.#read(from?.id, batch);
      read += some.length;
      const wanted = some.filter((each) => this.#isOurs(each) && (isWanted?.(each) ?? true));
      const standing = new Set(await this.#options.standing(wanted));
      for (const letter of some) {
        if (page.length >= size) return { letters: page, next: from && documentKey(from.id) };
        if (standing.has(letter)) page.push(letter);
        if (isPlace(letter)) from = { id: letter._id };
      }
      if (some.length < batch) return { letters: page, next: undefined };
      const isEnough = read >= MAX_READ || this.#clock.monotonicMs() - startMs >= MAX_MS;
      if (isEnough) return { letters: page, next: from && documentKey(from.id) };
      batch = BATCH;
    }
  }

  async #read(after: unknown, batch: number): Promise<DeadLetter[]> {
    const { fields, letters, maxTimeMS } = this.#options;
    const found = await letters.find<Uint8Array>({}, {
      ...(after !== undefined && { min: { _id: after } as never }),
      hint: { _id: 1 },
      projection: { ...fields, attempts: 1, source: 1 },
      // The first one may be the last one of the page before.
      limit: batch + 1,
      raw: true,
      maxTimeMS,
    }).toArray();
    const some = found.map(letterOf);
    return some.filter(({ _id }) => after === undefined || idKey(_id) !== idKey(after)).slice(0, batch);
  }

  #isOurs({ source }: DeadLetter): boolean {
    const from: unknown = source?.collection ?? undefined;
    return from === undefined || from === this.#options.collection.collectionName;
  }
}

/** Whether a cursor can name the `_id` of a letter. */
function isPlace(letter: DeadLetter): boolean {
  return (documentKey(letter._id)?.length ?? Infinity) <= MAX_CURSOR && isNameable(letter);
}

/** Which page of letters is meant. */
export interface LetterPageQuery {
  readonly after: { readonly id: unknown } | undefined;
  /** Letters of the page, at most. */
  readonly size: number;
  /** Leaves others out. */
  isWanted?: ((letter: DeadLetter) => boolean) | undefined;
}

/** What {@linkcode LetterPages} need. */
export interface LetterPagesOptions {
  readonly collection: Collection;
  readonly letters: Collection;
  /** What is read of a letter. */
  readonly fields: Document;
  /** Bound of a query, in milliseconds. */
  readonly maxTimeMS: number;
  /** Of some letters, those that are not stale. */
  standing(letters: readonly DeadLetter[]): Promise<readonly DeadLetter[]>;
}
