import type { Collection, Document } from "mongodb";
import { type Clock, systemClock } from "../../lib/clock.ts";
import { idKey } from "../documents/id_key.ts";
import { type DeadLetter, isNameable, letterOf, storedIdKey } from "./stored_letter.ts";

/** Letters that are read for a page, at most: few of them may be wanted. */
const MAX_READ = 2000;
/** They are read this many at a time: so many times what the page holds if all are wanted, otherwise so many. */
const [TIMES, BATCH] = [1.2, 250];
/** No further ones are read after so long, in milliseconds. */
const MAX_MS = 1000;

/** A place among the letters, to go on from. */
export interface LetterPlace {
  /** The last `_id` that a query can name; undefined if none is before the place. */
  readonly after: { readonly id: unknown } | undefined;
  /** The letters between that one and the place: no query can name their `_id`s. */
  readonly passed: ReadonlySet<string>;
}

/** Some letters that stand, and where the next ones are. */
export interface LetterPage {
  readonly letters: readonly DeadLetter[];
  /** Undefined at the end. */
  readonly next: LetterPlace | undefined;
}

const BEGIN: LetterPlace = { after: undefined, passed: new Set() };

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
   * @param from where the page before has ended
   */
  async page({ from = BEGIN, isWanted, size }: LetterPageQuery): Promise<LetterPage> {
    // Most letters stand: then a page costs what it shows.
    let batch = isWanted === undefined ? Math.ceil(TIMES * size) : BATCH;
    const startMs = this.#clock.monotonicMs();
    const page: DeadLetter[] = [];
    const place = new Place(from);
    let read = 0;
    for (;;) {
      const some = await this.#read(place.current, batch);
      read += some.length;
      const wanted = some.filter((each) => this.#isOurs(each) && (isWanted?.(each) ?? true));
      const standing = new Set(await this.#options.standing(wanted));
      for (const letter of some) {
        if (page.length >= size) return { letters: page, next: place.current };
        if (standing.has(letter)) page.push(letter);
        place.pass(letter);
      }
      if (some.length < batch) return { letters: page, next: undefined };
      const isEnough = read >= MAX_READ || this.#clock.monotonicMs() - startMs >= MAX_MS;
      if (isEnough) return { letters: page, next: place.current };
      batch = BATCH;
    }
  }

  /** So many letters behind a place, or fewer at the end. */
  async #read({ after, passed }: LetterPlace, batch: number): Promise<DeadLetter[]> {
    const { fields, letters, maxTimeMS } = this.#options;
    const found = await letters.find<Uint8Array>({}, {
      ...(after !== undefined && { min: { _id: after.id } as never }),
      hint: { _id: 1 },
      projection: { ...fields, attempts: 1, source: 1 },
      // The first ones may be the place itself, and what was passed.
      limit: batch + 1 + passed.size,
      raw: true,
      maxTimeMS,
    }).toArray();
    const isBehind = (letter: DeadLetter) => {
      const isPlace = after !== undefined && idKey(letter._id) === idKey(after.id) && isNameable(letter);
      return !isPlace && !(passed.size > 0 && passed.has(storedIdKey(letter)));
    };
    return found.map(letterOf).filter(isBehind).slice(0, batch);
  }

  #isOurs({ source }: DeadLetter): boolean {
    const from: unknown = source?.collection ?? undefined;
    return from === undefined || from === this.#options.collection.collectionName;
  }
}

/** The place that a page has come to. It copies what was passed once, and not for each letter. */
class Place {
  #after: LetterPlace["after"];
  #passed: Set<string>;

  constructor({ after, passed }: LetterPlace) {
    this.#after = after;
    this.#passed = new Set(passed);
  }

  get current(): LetterPlace {
    return { after: this.#after, passed: this.#passed };
  }

  /** Goes behind the letter that comes next. */
  pass(letter: DeadLetter): void {
    if (isNameable(letter)) {
      this.#after = { id: letter._id };
      if (this.#passed.size > 0) this.#passed = new Set();
    } else this.#passed.add(storedIdKey(letter));
  }
}

/** Which page of letters is meant. */
export interface LetterPageQuery {
  /** By default from the begin. */
  readonly from?: LetterPlace | undefined;
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
