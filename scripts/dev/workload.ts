/**
 * The documents that an agent works on, and how far it is with them.
 *
 * @module
 */

import { type Document, EJSON } from "bson";
import { type Collection, type Filter, MongoBulkWriteError } from "mongodb";
import { systemClock } from "../../agent/lib/clock.ts";
import { sleep } from "../../agent/lib/deadline.ts";
import { isPending } from "./pending.ts";
import { UserError } from "./user_error.ts";

const INSERT_BATCH = 1_000;
/** A query holds this many ids, at most: it has to fit into one message. */
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

/** What became of documents that were inserted. */
export interface Inserted {
  /** How many the agent takes: they are pending and match the filter. */
  taken: number;
  /** How many are pending and do not match the filter. */
  unmatched: number;
}

/**
 * The documents of a collection that are the agent's: of those that were inserted, or of all if none was. Documents
 * that came with another status, or that do not match the filter, are neither waited for nor counted.
 */
export class Workload {
  readonly #collection: Collection<Document>;
  readonly #filter: Document;
  #ids: unknown[] | undefined;

  /** @param filter Extended JSON; only documents that match it are the agent's */
  constructor(collection: Collection<Document>, filter: string | undefined) {
    this.#collection = collection;
    this.#filter = filter === undefined ? {} : EJSON.parse(filter);
  }

  /**
   * Inserts documents; those that the agent takes are this workload's from then on.
   *
   * @throws {UserError} when the collection has a document with the same `_id`
   */
  async insert(documents: Document[]): Promise<Inserted> {
    const inserted = { taken: 0, unmatched: 0 };
    let before = 0;
    for (const batch of batches(documents, INSERT_BATCH)) {
      try {
        await this.#collection.insertMany(batch, { writeConcern: { w: "majority" } });
      } catch (error) {
        if (!(error instanceof MongoBulkWriteError) || error.code !== DUPLICATE_KEY) throw error;
        const duplicate = [error.writeErrors].flat()[0]?.err.op as Document | undefined;
        throw new UserError(
          `${this.#collection.namespace} has a document with the _id ${
            EJSON.stringify(duplicate?._id)
          } already, and ${before + error.insertedCount} of the documents were inserted before that: ` +
            "name another MONGODB_COLLECTION, or take the _id out of the file to insert them anew",
        );
      }
      before += batch.length;
      const pending = batch.filter(isPending).map(({ _id }) => _id);
      const taken = await this.#matching(pending);
      this.#ids = [...this.#ids ?? [], ...taken];
      inserted.taken += taken.length;
      inserted.unmatched += pending.length - taken.length;
    }
    return inserted;
  }

  async #matching(ids: unknown[]): Promise<unknown[]> {
    if (Object.keys(this.#filter).length === 0) return ids;
    const query = { $and: [{ _id: { $in: ids } }, this.#filter] } as Filter<Document>;
    return (await this.#collection.find(query, { projection: { _id: 1 } }).toArray()).map(({ _id }) => _id);
  }

  /** The documents with these ids, as they are now. */
  async find(ids: unknown[]): Promise<Document[]> {
    const found = await this.#collection.find({ _id: { $in: ids } } as Filter<Document>).toArray();
    return found.sort((a, b) => position(ids, a) - position(ids, b));
  }

  /** Ids of what was inserted and is the agent's. */
  get ids(): readonly unknown[] {
    return this.#ids ?? [];
  }

  /** Resolves true once nothing is left to do, or false when `signal` is aborted first. */
  async drained(signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      if (!await this.#hasUnsettled()) return true;
      await sleep(systemClock, POLL_MS, signal);
    }
    return false;
  }

  /** Counts the documents by status. */
  async tally(): Promise<Tally> {
    const tally: Tally = { pending: 0, processing: 0, processed: 0, failed: 0 };
    for (const query of this.#queries()) {
      const groups = await this.#collection.aggregate([
        // The filter tells which documents are to be done; a document that is done may not match it any more.
        { $match: { $and: [query, { $or: [{ status: { $ne: "pending" } }, this.#filter] }] } },
        { $group: { _id: "$status", count: { $sum: 1 } } },
      ]).toArray();
      for (const { _id, count } of groups) if (_id in tally) tally[_id as keyof Tally] += count;
    }
    return tally;
  }

  /** How many were processed at their first attempt, and when the last of these was. */
  async firstAttempts(): Promise<{ count: number; last: Date | undefined }> {
    const all: { count: number; last: Date | undefined } = { count: 0, last: undefined };
    for (const query of this.#queries()) {
      const [found] = await this.#collection.aggregate([
        { $match: { ...query, status: "processed", "_pull.attempts": 1 } },
        { $group: { _id: null, count: { $sum: 1 }, last: { $max: "$processed_at" } } },
      ]).toArray();
      all.count += found?.count ?? 0;
      if (found !== undefined && !(all.last !== undefined && all.last > found.last)) all.last = found.last;
    }
    return all;
  }

  /** The first `limit` failed documents. */
  async failures(limit: number): Promise<Document[]> {
    const found: Document[] = [];
    for (const query of this.#queries()) {
      found.push(...await this.#collection.find({ ...query, status: "failed" }).limit(limit).toArray());
    }
    return found.slice(0, limit);
  }

  #hasUnsettled(): Promise<boolean> {
    // A document that is `processing` without a token belongs to another program.
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
    if (this.#ids === undefined) return [{}];
    return batches(this.#ids, QUERY_BATCH).map((ids) => ({ _id: { $in: ids } }) as Filter<Document>);
  }
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
