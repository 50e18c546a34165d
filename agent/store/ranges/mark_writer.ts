import type { Collection, Document, Filter, UpdateFilter } from "mongodb";
import type { RefusedClaim } from "../../ports.ts";
import { idKey } from "../documents/id_key.ts";
import { isGivenUp, LockedDocumentsError, writeWithin } from "../limited_writes.ts";
import { isOfDocument } from "../mongo_errors.ts";

/** Documents of one write, at most. */
const CHUNK = 1000;
/** Locked documents that one writing looks for, at most: each costs the time that a write is given. */
const MAX_LOCKED = 3;

/** What came of documents that got bookkeeping, or were to get it. */
export interface Marked {
  readonly documents: number;
  /** Those that the database let take none, and whether they are dead letters now. */
  readonly refused: readonly RefusedClaim[];
  /** Those that a transaction of another program seems to lock, and those behind them that were not tried. */
  readonly locked: readonly RefusedClaim[];
}

/** The same of a writing, and why it went no further, if a write failed. */
export interface Written extends Marked {
  readonly failure: { readonly error: unknown } | undefined;
}

/** A write on documents, and which of those that are named it may meet. */
export interface Mark {
  query(ids: readonly unknown[]): Filter<Document>;
  readonly update: UpdateFilter<Document>;
}

/** Gives documents bookkeeping that no agent holds. */
export class MarkWriter {
  readonly #options: MarkWriterOptions;

  constructor(options: MarkWriterOptions) {
    this.#options = options;
  }

  /** Writes on those that still match. Never throws: what came of the first of them is told even if a later write fails. */
  async write(ids: readonly unknown[], mark: Mark): Promise<Written> {
    const writing = new Writing(mark, this.#options);
    try {
      for (let at = 0; at < ids.length; at += CHUNK) await writing.write(ids.slice(at, at + CHUNK));
    } catch (error) {
      writing.failure = { error };
    }
    return writing;
  }
}

class Writing implements Written {
  documents = 0;
  readonly refused: RefusedClaim[] = [];
  readonly locked: RefusedClaim[] = [];
  failure: { error: unknown } | undefined;
  readonly #mark: Mark;
  readonly #options: MarkWriterOptions;
  /** Writes that were given up. */
  #givenUp = 0;
  #cause: unknown;

  constructor(mark: Mark, options: MarkWriterOptions) {
    this.#mark = mark;
    this.#options = options;
  }

  async write(ids: readonly unknown[]): Promise<void> {
    if (ids.length === 0) return;
    if (this.#givenUp >= MAX_LOCKED) return this.#pass(ids);
    const { collection, writeLimitMs } = this.#options;
    const { query, update } = this.#mark;
    try {
      this.documents += await writeWithin(
        writeLimitMs,
        (limit) => collection.updateMany(query(ids), update, { hint: { _id: 1 }, ...limit }),
      );
    } catch (error) {
      if (isGivenUp(error)) return await this.#passOver(ids, error);
      if (!isOfDocument(error)) throw error;
      if (ids.length === 1) this.refused.push({ id: ids[0], error });
      else await this.#halves(ids);
    }
  }

  /** The first document that a write which was given up has not reached is the one that is locked. */
  async #passOver(ids: readonly unknown[], error: unknown): Promise<void> {
    this.#givenUp++;
    this.#cause = error;
    const { collection, maxTimeMS } = this.#options;
    const left = await collection.find(this.#mark.query(ids), {
      projection: { _id: 1 },
      hint: { _id: 1 },
      sort: { _id: 1 },
      maxTimeMS,
    }).toArray();
    this.documents += ids.length - left.length;
    if (left.length === 0) return;
    const byKey = new Map(ids.map((id) => [idKey(id), { id }]));
    const [locked, ...others] = left.map(({ _id }) => byKey.get(idKey(_id)));
    if (locked === undefined) throw error;
    this.#pass([locked.id]);
    await this.#halves(others.flatMap((each) => each ? [each.id] : []));
  }

  async #halves(ids: readonly unknown[]): Promise<void> {
    const half = ids.length >> 1;
    await this.write(ids.slice(0, half));
    await this.write(ids.slice(half));
  }

  #pass(ids: readonly unknown[]): void {
    this.locked.push(...ids.map((id) => ({ id, error: new LockedDocumentsError(1, this.#cause) })));
  }
}

/** What a {@linkcode MarkWriter} needs. */
export interface MarkWriterOptions {
  collection: Collection;
  /** Bound of a query, in milliseconds. */
  maxTimeMS: number;
  /** The server gives up a grouped write after this long, in milliseconds, as documents may be locked. */
  writeLimitMs: number;
}
