import { type Collection, type Document, type Filter, ObjectId } from "mongodb";
import { type Backlog, MAX_COUNTED } from "../events.ts";
import { validDate } from "../lib/valid_date.ts";
import type { ServerClock } from "./connection/server_clock.ts";
import { LetterCount } from "./dead_letters/letter_count.ts";
import { CLAIM_INDEX, CLAIM_ORDER, waitingAt, type WaitingQuery } from "./queries.ts";

/** The server gives up each query after this long, in milliseconds: a gauge is not worth more of its time. */
const MAX_TIME_MS = 1000;
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

/** What a look has found, and why it has not found more. */
export interface BacklogLook {
  readonly backlog: Backlog;
  /** The first error, if anything is not known: a right is missing, the server is too slow or out of reach. */
  readonly problem?: unknown;
}

/**
 * Counts what waits, so that neither the server nor a claim notices it. Each query goes by an index or fails, reads at
 * most {@linkcode MAX_COUNTED} keys, and ends after a second. If the agent has a filter, only the time is bounded: the
 * index does not tell which documents match.
 *
 * It asks the primary. On a secondary that lags, documents that are done would be old ones that wait.
 */
export class BacklogReader {
  readonly #options: BacklogReaderOptions;
  readonly #letters: LetterCount;
  #problems: unknown[] = [];

  constructor(options: BacklogReaderOptions) {
    this.#options = options;
    this.#letters = new LetterCount({ ...options, maxTimeMS: MAX_TIME_MS });
  }

  /** Looks once. Never throws: what cannot be found out is not known. One look at a time. */
  async look(): Promise<BacklogLook> {
    this.#problems = [];
    const waiting = await this.#tried(() => this.#waiting());
    const deadLetters = await this.#tried(() => this.#letters.read());
    const backlog = { claimable: waiting?.claimable, oldestMs: waiting?.oldestMs, deadLetters };
    return this.#problems.length === 0 ? { backlog } : { backlog, problem: this.#problems[0] };
  }

  async #waiting(): Promise<Pick<Backlog, "claimable" | "oldestMs">> {
    const { serverClock, syncClock } = this.#options;
    if (!serverClock.isKnown) await syncClock();
    const now = serverClock.now();
    const found: Group[] = [];
    const longer: WaitingQuery[] = [];
    for (const query of waitingAt(now)) {
      const head = await this.#group(query, query.exact, HEAD);
      found.push(head);
      if (head.documents === HEAD) longer.push(query);
    }
    let claimable: number | undefined = found.reduce((sum, { documents }) => sum + documents, 0);
    for (const query of longer) {
      const all = await this.#tried(() => this.#group(query, query.byKeys, MAX_COUNTED));
      // Another agent may have claimed some of the head meanwhile.
      claimable = all && claimable !== undefined ? claimable + Math.max(0, all.documents - HEAD) : undefined;
      found.push(all?.since ? all : { documents: 0, since: await this.#firstObjectId(query) });
    }
    const times = found.flatMap(({ since }) => since ? [since.getTime()] : []);
    const oldestMs = times.length > 0 ? Math.max(0, now.getTime() - Math.min(...times)) : undefined;
    return claimable === 0
      ? { claimable, oldestMs: 0 }
      : { claimable: claimable && Math.min(claimable, MAX_COUNTED), oldestMs };
  }

  /** The first `limit` documents, in the order of claims. */
  async #group(
    { isScheduled }: WaitingQuery,
    query: Filter<Document>,
    limit: number,
  ): Promise<Group> {
    const { claimer: { refusedIds }, collection, filter } = this.#options;
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
    const [group] = await collection.aggregate(pipeline, { hint: CLAIM_INDEX, maxTimeMS: MAX_TIME_MS })
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

/** What a {@linkcode BacklogReader} needs. */
export interface BacklogReaderOptions {
  collection: Collection;
  letters: Collection;
  /** Knows which documents wait in vain: they are left alone, and no backlog. */
  claimer: { readonly refusedIds: readonly unknown[] };
  /** Only documents that match it as well are counted. */
  filter: Filter<Document> | undefined;
  serverClock: ServerClock;
  /** Makes the server's time known. */
  syncClock(): Promise<void>;
}
