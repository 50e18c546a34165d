import { type Collection, type Document, type Filter, ObjectId } from "mongodb";
import type { Clock } from "../lib/clock.ts";
import { validDate } from "../lib/valid_date.ts";
import { growingCount } from "./growing_count.ts";
import type { ServerClock } from "./connection/server_clock.ts";
import { CLAIM_INDEX, CLAIM_ORDER, waitingAt, type WaitingQuery } from "./queries.ts";

/** Documents of each kind that are read first. If there are fewer, all of them are counted by then. */
const HEAD = 100;
const FIRST_OBJECT_ID = new ObjectId("0".repeat(24));

/** When a document was inserted, if its `_id` tells. */
const INSERTED = { $cond: [{ $eq: [{ $type: "$_id" }, "objectId"] }, { $toDate: "$_id" }, null] };
/** Since when it could be claimed: a date to come may have been past already when the document was inserted. */
const DUE = { $max: ["$_pull.visible_at", INSERTED] };

/** Documents that wait. */
interface Group {
  readonly documents: number;
  /** Since when the oldest of them waits; undefined if none of them tells. */
  readonly since: Date | undefined;
}

/** What waits, as far as it could be found out. */
export interface Waiting {
  /** Documents that could be claimed; the option `limit` stands for as many or more. */
  readonly claimable: number | undefined;
  /** If they could not be counted: as many or more were found. Undefined if none were, or if they are counted. */
  readonly atLeast: number | undefined;
  /** How long the oldest of them has waited, in milliseconds; 0 if there are none. */
  readonly oldestMs: number | undefined;
  /** Why anything is not known. */
  readonly problems: readonly unknown[];
}

/**
 * Counts what could be claimed, and finds the oldest of it. Each query goes by an index or fails, and reads at most as
 * many keys as are counted. If there is a filter, only the time is bounded: the index does not tell which documents match.
 */
export class WaitingCount {
  readonly #options: WaitingCountOptions;
  #problems: unknown[] = [];
  /** Documents of each kind that this look has found so far. */
  #found: number[] = [];
  /** The server gives up each query of this look after so long, in milliseconds. */
  #timeLimit: () => number = () => 1;

  constructor(options: WaitingCountOptions) {
    this.#options = options;
  }

  /** Counts once. Never throws: what cannot be found out is not known. One look at a time. */
  async look(): Promise<Waiting> {
    const { clock, maxLookMs = Infinity, maxTimeMS } = this.#options;
    this.#problems = [];
    this.#found = [];
    const startedMs = clock.monotonicMs();
    const leftMs = () => startedMs + maxLookMs - clock.monotonicMs();
    this.#timeLimit = () => Math.max(1, Math.floor(Math.min(maxTimeMS, leftMs())));
    const found = await this.#tried(() => this.#look());
    const atLeast = found?.claimable === undefined ? this.#atLeast : undefined;
    return { claimable: found?.claimable, atLeast, oldestMs: found?.oldestMs, problems: this.#problems };
  }

  get #atLeast(): number | undefined {
    const sum = this.#found.reduce((all, documents) => all + documents, 0);
    return sum === 0 ? undefined : Math.min(sum, this.#options.limit);
  }

  async #look(): Promise<Pick<Waiting, "claimable" | "oldestMs">> {
    const { limit, serverClock, syncClock } = this.#options;
    const { firstLimit = limit } = this.#options;
    if (!serverClock.isKnown) await syncClock();
    const now = serverClock.now();
    const found: Group[] = [];
    const longer: { query: WaitingQuery; at: number }[] = [];
    for (const [at, query] of waitingAt(now).entries()) {
      const head = await this.#group(query, query.exact, HEAD);
      found.push(head);
      this.#found[at] = head.documents;
      if (head.documents === HEAD) longer.push({ query, at });
    }
    let claimable: number | undefined = found.reduce((sum, { documents }) => sum + documents, 0);
    for (const { at, query } of longer) {
      const all = await this.#tried(() =>
        growingCount({
          first: firstLimit,
          limit,
          count: (upTo) => this.#group(query, query.byKeys, upTo),
          reached: ({ documents }) => this.#found[at] = documents,
        })
      );
      if (all) this.#found[at] = Math.max(HEAD, all.documents);
      // Another agent may have claimed some of the head meanwhile.
      claimable = all && claimable !== undefined ? claimable + Math.max(0, all.documents - HEAD) : undefined;
      found.push(all?.since ? all : { documents: 0, since: await this.#firstObjectId(query) });
    }
    const times = found.flatMap(({ since }) => since ? [since.getTime()] : []);
    const oldestMs = times.length > 0 ? Math.max(0, now.getTime() - Math.min(...times)) : undefined;
    return claimable === 0
      ? { claimable, oldestMs: 0 }
      : { claimable: claimable && Math.min(claimable, limit), oldestMs };
  }

  /** The first `limit` documents, in the order of claims. */
  async #group(
    { isScheduled }: WaitingQuery,
    query: Filter<Document>,
    limit: number,
  ): Promise<Group> {
    const { claimer, collection, filter } = this.#options;
    const refusedIds = claimer?.refusedIds ?? [];
    // The keys of the index do not tell a missing date from null: to ask for it would read the documents.
    const since = { $min: isScheduled ? DUE : INSERTED };
    const pipeline = [
      { $match: filter ? { $and: [query, filter] } : query },
      ...(refusedIds.length > 0 ? [{ $match: { _id: { $nin: refusedIds } } }] : []),
      { $sort: CLAIM_ORDER },
      { $limit: limit },
      { $group: { _id: null, documents: { $sum: 1 }, since } },
    ];
    // Without the index it fails: the server would read the whole collection.
    const [group] = await collection.aggregate(pipeline, { hint: CLAIM_INDEX, maxTimeMS: this.#timeLimit() })
      .toArray();
    return { documents: group?.documents ?? 0, since: validDate(group?.since) };
  }

  /** Since when the oldest document waits that has an ObjectId, if there are many before it with other ids. */
  async #firstObjectId(query: WaitingQuery): Promise<Date | undefined> {
    const known = { $and: [query.exact, { _id: { $gte: FIRST_OBJECT_ID } }] };
    return (await this.#tried(() => this.#group(query, known, 1)))?.since;
  }

  async #tried<T>(ask: () => Promise<T>): Promise<T | undefined> {
    try {
      return await ask();
    } catch (error) {
      this.#problems.push(error);
      return undefined;
    }
  }
}

/** What a {@linkcode WaitingCount} needs. */
export interface WaitingCountOptions {
  clock: Clock;
  collection: Collection;
  /** Knows which documents wait in vain, if there is one: they are left alone, and no backlog. */
  claimer?: { readonly refusedIds: readonly unknown[] };
  /** Only documents that match it as well are counted. */
  filter: Filter<Document> | undefined;
  /** It counts up to this number of documents. */
  limit: number;
  /** A count begins with so many, and goes on if there are more: by default it counts all at once. */
  firstLimit?: number;
  /** Bound of a query, in milliseconds. */
  maxTimeMS: number;
  /** Bound of all queries of a look together, in milliseconds, if there is one. */
  maxLookMs?: number;
  serverClock: ServerClock;
  /** Makes the server's time known. */
  syncClock(): Promise<void>;
}
