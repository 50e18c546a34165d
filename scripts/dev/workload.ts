/**
 * The documents an agent works on, and how far it is with them.
 *
 * @module
 */

import { type Document, EJSON } from "bson";
import { type Collection, type Filter, MongoBulkWriteError } from "mongodb";
import { UserError } from "./user_error.ts";

const INSERT_BATCH = 1_000;
/** Ids a query names at most: it has to fit into one message. */
const QUERY_BATCH = 10_000;
const POLL_MS = 100;
const DUPLICATE_KEY = 11000;

/** How many documents are in which state. */
export interface Tally {
  pending: number;
  processing: number;
  processed: number;
  failed: number;
}

/** Documents in a collection: those that were inserted, or all where none were. */
export class Workload {
  readonly #collection: Collection<Document>;
  readonly #filter: Document;
  readonly #ids: unknown[] = [];

  /** @param filter Extended JSON; what does not match it, nobody waits for */
  constructor(collection: Collection<Document>, filter: string | undefined) {
    this.#collection = collection;
    this.#filter = filter === undefined ? {} : EJSON.parse(filter);
  }

  /**
   * Inserts documents, which are this workload's from then on.
   *
   * @throws {UserError} when the collection has a document with the same `_id`
   */
  async insert(documents: Document[]): Promise<void> {
    for (const batch of batches(documents, INSERT_BATCH)) {
      try {
        await this.#collection.insertMany(batch, { writeConcern: { w: "majority" } });
      } catch (error) {
        if (!(error instanceof MongoBulkWriteError) || error.code !== DUPLICATE_KEY) throw error;
        const duplicate = [error.writeErrors].flat()[0]?.err.op as Document | undefined;
        throw new UserError(
          `${this.#collection.namespace} has a document with the _id ${
            EJSON.stringify(duplicate?._id)
          } already; ` +
            `${this.#ids.length + error.insertedCount} of the documents were inserted before that`,
        );
      }
      this.#ids.push(...batch.map(({ _id }) => _id));
    }
  }

  /** The documents with these ids, as they are now. */
  async find(ids: unknown[]): Promise<Document[]> {
    const found = await this.#collection.find({ _id: { $in: ids } } as Filter<Document>).toArray();
    return found.sort((a, b) => position(ids, a) - position(ids, b));
  }

  /** Ids of what was inserted. */
  get ids(): readonly unknown[] {
    return this.#ids;
  }

  /** Resolves true once nothing is left to do, or false when `signal` is aborted first. */
  async drained(signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      if (!await this.#hasUnsettled()) return true;
      await pause(POLL_MS, signal);
    }
    return false;
  }

  /** Counts the documents by status. */
  async tally(): Promise<Tally> {
    const tally: Tally = { pending: 0, processing: 0, processed: 0, failed: 0 };
    for (const query of this.#queries()) {
      const groups = await this.#collection.aggregate([
        { $match: query },
        { $group: { _id: "$status", count: { $sum: 1 } } },
      ]).toArray();
      for (const { _id, count } of groups) if (_id in tally) tally[_id as keyof Tally] += count;
    }
    return tally;
  }

  /** How many were processed at their first attempt, and when the last of these was. */
  async firstAttempts(): Promise<{ count: number; last: Date | undefined }> {
    const [found] = await this.#collection.aggregate([
      { $match: { status: "processed", "_pull.attempts": 1 } },
      { $group: { _id: null, count: { $sum: 1 }, last: { $max: "$processed_at" } } },
    ]).toArray();
    return { count: found?.count ?? 0, last: found?.last };
  }

  /** The first `limit` failed documents. */
  async failures(limit: number): Promise<Document[]> {
    const found: Document[] = [];
    for (const query of this.#queries()) {
      found.push(...await this.#collection.find({ ...query, status: "failed" }).limit(limit).toArray());
    }
    return found.slice(0, limit);
  }

  /** Whether the agent has anything to do. */
  hasPending(): Promise<boolean> {
    return this.#hasAny({ status: "pending" });
  }

  #hasUnsettled(): Promise<boolean> {
    // What is `processing` without a token is someone else's.
    const held = { status: "processing", "_pull.token": { $exists: true } };
    return this.#hasAny({ $or: [{ status: "pending" }, held] });
  }

  async #hasAny(state: Filter<Document>): Promise<boolean> {
    for (const query of this.#queries()) {
      const matching: Filter<Document> = { $and: [query, this.#filter, state] };
      if (await this.#collection.findOne(matching, { projection: { _id: 1 } }) !== null) return true;
    }
    return false;
  }

  #queries(): Filter<Document>[] {
    if (this.#ids.length === 0) return [{}];
    return batches(this.#ids, QUERY_BATCH).map((ids) => ({ _id: { $in: ids } }) as Filter<Document>);
  }
}

/** Resolves after `ms` milliseconds, or when `signal` is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}

function position(ids: unknown[], document: Document): number {
  return ids.findIndex((id) => String(id) === String(document._id));
}

function batches<T>(items: T[], size: number): T[][] {
  return Array.from(
    { length: Math.ceil(items.length / size) },
    (_, i) => items.slice(i * size, (i + 1) * size),
  );
}
