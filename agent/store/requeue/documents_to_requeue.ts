import type { Collection, Document, Filter, FindOptions } from "mongodb";
import { chunks } from "../../lib/chunks.ts";
import { validDate } from "../../lib/valid_date.ts";
import type { Link } from "../connection/link.ts";
import type { ServerClock } from "../connection/server_clock.ts";
import type { LettersForCommands } from "../dead_letters/letters_for_commands.ts";
import { possibleIds } from "../documents/parse_id.ts";
import { idKey } from "../documents/id_key.ts";
import { isOutOfTime } from "../mongo_errors.ts";
import { stagesOf } from "../plan_stages.ts";
import { slices } from "../slices.ts";
import { writeApart, type WritesApart } from "../writes_apart.ts";
import { asFound } from "./as_found.ts";
import type { Found } from "./found.ts";
import { knownFields, knownIn, withRanges } from "./known_document.ts";
import { queryOf, type Selection } from "./selection.ts";
import type { RangeOfOptions } from "../ranges/range_of.ts";
import type { StoreServer } from "../server/store_server.ts";
import { STATUS, type Status } from "./standing.ts";

/** Documents are counted for this long at most, in milliseconds. */
const COUNT_LIMIT_MS = 5000;

/** The index by which documents are read if no other serves: some servers refuse to read without one (`notablescan`). */
const BY_ID = { _id: 1 } as const;

/** What became of documents that were to be set back. */
export interface Requeued extends WritesApart<Found> {
  readonly sent: readonly Found[];
  /** Those that were not as they were found any more; 0 if there is a `failure`. */
  readonly changed: number;
  /** When they are due. */
  readonly at: Date;
}

/** How the documents of a selection are read. */
export interface ReadPlan {
  readonly query: Filter<Document>;
  /** No index serves it: this many documents are read, which is all of the collection. */
  readonly readsAll: number | undefined;
  /** A server might be silent for too long before it finds the first document. */
  readonly isSliced?: boolean;
}

/** Nothing has run on it, and it waits: most of a large backlog. */
const UNTOUCHED: Filter<Document> = { status: "pending", _pull: { $exists: false } };

/**
 * Sets documents back to pending for an operator. Each write asks again, by the server's clock, for what was read: a
 * document under a live lease, or with a verdict, is never written. The document is written first, then its letter is
 * removed, as a redrive does: a crash in between leaves a stale letter, and never a failed document without one.
 */
export class DocumentsToRequeue {
  readonly #options: DocumentsToRequeueOptions;

  constructor(options: DocumentsToRequeueOptions) {
    this.#options = options;
  }

  /** The server's time. */
  now(): Date {
    return this.#options.serverClock.now();
  }

  /** How the documents are read that a typed id may mean. */
  planById(typed: string): ReadPlan {
    return { query: { _id: { $in: possibleIds(typed) as never[] } }, readsAll: undefined };
  }

  /** How a selection is read. Throws what the driver throws, if the server refuses the query. */
  async plan(selection: Selection, before: Date): Promise<ReadPlan> {
    const { collection, explain, filter } = this.#options;
    const query = queryOf(selection, before, filter);
    if (!readsCollection(await explain(query))) return { query, readsAll: undefined };
    return { query, readsAll: await collection.estimatedDocumentCount({ maxTimeMS: COUNT_LIMIT_MS }) };
  }

  /** How many documents of each status a plan finds; undefined if that takes too long. */
  async count(plan: ReadPlan): Promise<ReadonlyMap<Status, number> | undefined> {
    const perStatus = [{ $match: plan.query }, { $group: { _id: STATUS, count: { $sum: 1 } } }];
    try {
      const groups = await this.#options.collection.aggregate<{ _id: Status; count: number }>(perStatus, {
        maxTimeMS: COUNT_LIMIT_MS,
        ...hintOf(plan),
      }).toArray();
      return new Map(groups.map(({ _id, count }) => [_id, count] as const).toSorted());
    } catch (error) {
      if (isOutOfTime(error)) return undefined;
      throw error;
    }
  }

  /** The same documents for a server that cannot count them in time, without those that no agent has touched. */
  inSlices(plan: ReadPlan): ReadPlan {
    return { ...plan, query: { $and: [plan.query, { $nor: [UNTOUCHED] }] }, isSliced: true };
  }

  /**
   * The documents of a plan, `size` at a time at most, as they are when they are read. After each slice there is a page,
   * if only an empty one: so the reader can stop.
   */
  async *pages(plan: ReadPlan, size: number): AsyncGenerator<Found[]> {
    if (!plan.isSliced) return yield* this.#pagesOf(plan.query, size, hintOf(plan));
    for await (const slice of slices(this.#options.collection)) {
      yield* this.#pagesOf(plan.query, size, { ...slice as FindOptions, hint: BY_ID });
      yield [];
    }
  }

  async *#pagesOf(query: Filter<Document>, size: number, how: FindOptions): AsyncGenerator<Found[]> {
    const cursor = this.#options.collection.find<Uint8Array>(query, {
      projection: {
        ...knownFields(this.#options.server.time),
        is_one: { $eq: [{ $type: "$status" }, "string"] },
        dead_at: "$_pull.dead_at",
      },
      batchSize: size,
      raw: true,
      ...how,
    });
    for await (const page of chunks(cursor, size)) {
      yield await this.#withLetters(await withRanges(page.map(foundIn), this.#options));
    }
  }

  /**
   * Sets documents back to pending, due now, as if no agent had ever run them; then their letters are to be removed. A
   * document that is not as it was found any more is left alone. Never throws.
   *
   * @param before one that has run at this time or later, or was canceled then, is left alone
   */
  async requeue(found: readonly Found[], before?: Date): Promise<Requeued> {
    const { collection, server: { time }, serverClock } = this.#options;
    const at = serverClock.now();
    const update = {
      $set: { status: "pending", _pull: { visible_at: at } },
      $unset: { processed_at: "", error: "" },
    };
    const written = await writeApart(
      collection,
      found,
      (each) => ({ updateOne: { filter: asFound(each, before, time), update, hint: BY_ID } }),
    );
    const { count, failure, refused } = written;
    const changed = failure ? 0 : found.length - refused.size - count;
    return { ...written, at, changed, sent: found };
  }

  /**
   * Removes the letters of the documents that were set back. If some of those that were sent were not, the documents tell
   * which. Returns those whose letter the server refuses to remove, and why. Throws what the driver throws.
   */
  async removeLetters(requeued: Requeued): Promise<ReadonlyMap<Found, unknown>> {
    const owners = new Map(
      requeued.sent.flatMap((each) => each.letter ? [[each.letter, each] as const] : []),
    );
    const areAll = requeued.changed === 0 && requeued.refused.size === 0;
    const asSetBack = { status: "pending", _pull: { $eq: { visible_at: requeued.at } } };
    const { failure, refused } = await this.#options.letters.removeAfter(
      [...owners.keys()],
      areAll ? undefined : asSetBack,
    );
    if (failure) throw failure.cause;
    return new Map([...refused].map(([letter, why]) => [owners.get(letter)!, why]));
  }

  /**
   * Removes the letters that an earlier requeue or redrive has left as it was killed. Returns how many there were. The
   * letter of a document that was deleted stays: it holds the only copy.
   */
  async removeStaleLetters(): Promise<number> {
    return await this.#options.letters.removeOutdated();
  }

  async #withLetters(page: readonly Found[]): Promise<Found[]> {
    const ids = page.filter(({ standing }) => standing !== "unnameable").map(({ id }) => id);
    const letters = new Map((await this.#options.letters.under(ids)).map((each) => [idKey(each._id), each]));
    return page.map((found) => ({ ...found, letter: letters.get(idKey(found.id)) }));
  }
}

/** What {@linkcode DocumentsToRequeue} need. */
export interface DocumentsToRequeueOptions extends RangeOfOptions {
  collection: Collection;
  letters: LettersForCommands;
  serverClock: ServerClock;
  server: StoreServer;
  /** `FILTER`. */
  filter: Filter<Document> | undefined;
  /** How the server would read what a query finds. */
  explain(query: Filter<Document>): Promise<Document>;
}

/** Asks a server how it would read what a query finds in a collection. */
export function explainer(
  link: Pick<Link, "db" | "run">,
  { collectionName: find, dbName }: Collection,
): DocumentsToRequeueOptions["explain"] {
  return (filter) =>
    link.run(() => link.db(dbName).command({ explain: { find, filter }, verbosity: "queryPlanner" }));
}

function hintOf({ readsAll }: ReadPlan): { hint?: typeof BY_ID } {
  return readsAll === undefined ? {} : { hint: BY_ID };
}

function foundIn(bytes: Uint8Array): Found {
  const { fields: { dead_at, is_one }, known } = knownIn(bytes);
  return { ...known, isOneStatus: is_one, deadAt: validDate(dead_at), letter: undefined };
}

/** Whether a plan of the server reads all of a collection, in any of its stages. */
function readsCollection({ queryPlanner }: Document): boolean {
  return stagesOf(queryPlanner?.winningPlan).some(({ stage }) => stage === "COLLSCAN");
}
