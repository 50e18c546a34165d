import { type Collection, type Document, type Filter, MaxKey } from "mongodb";
import { validDate } from "../../lib/valid_date.ts";
import { MODE_LEASE_MS } from "./mode_times.ts";
import { BEGINNING, BY_BYTES, type ChangedField, changedIn, RANGES, THE_RANGES } from "./ranges_document.ts";
import { CLAIM_ORDER } from "../queries.ts";
import type { Bounds } from "./new_documents.ts";
import type { StoreServer } from "../server/store_server.ts";
import type { ServerClock } from "../connection/server_clock.ts";

/** A part of the order of `_id`, open below and closed above, whose new documents an agent holds. */
export interface Range {
  readonly from: unknown;
  readonly to: unknown;
  /** Proof of who holds it. */
  readonly token: string;
  readonly owner: string;
  /** When it runs out, by the server's clock. */
  readonly visible_at: Date;
}

/** The document of the ranges, as it was read, or as this agent's own swap has left it. */
export interface RangeState {
  /**
   * Each swap and each change of the mode gives it a new one, at random: a number that a failover takes back would be given
   * twice. Ranges are added by swaps alone.
   */
  readonly version: string;
  /** The field that is not as agents leave it: a user has changed it. */
  readonly changed: ChangedField | undefined;
  /** The server's time when it was read. */
  readonly now: Date;
  /** Those of the ranges that had run out by then. */
  readonly over: readonly Range[];
  /** Where the next reading begins; it may be anywhere. */
  readonly position: unknown;
  /** In the order of `_id`; none overlaps another. */
  readonly ranges: readonly Range[];
  /** How many of the ranges end at or below the position. */
  readonly behind: number;
  /** How new documents of the collection are claimed. */
  readonly mode: unknown;
  /** What `FILTER` says for the agents that take these ranges, in one form; undefined if there is none. */
  readonly filter: string | undefined;
}

/** A range that a swap adds, and where it stands. */
export interface Swap {
  readonly state: RangeState;
  readonly range: Range;
  /** Its index among the ranges. */
  readonly at: number;
  /** Leaves the position as it is. */
  readonly isAside: boolean;
}

/**
 * The one document that says which parts of the order of `_id` are held, and by which agents. Every change is one write
 * that names what it relies on: a swap the version that was read before the ids, everything else the token of a range.
 */
export class RangeControl {
  readonly #options: RangeControlOptions;

  constructor(options: RangeControlOptions) {
    this.#options = options;
  }

  /**
   * Reads the document; undefined if there is none. Throws what the driver throws.
   *
   * @param isOfMajority as a majority has it: no failover takes it back
   */
  async read({ isOfMajority = false } = {}): Promise<RangeState | undefined> {
    const { collection, maxTimeMS, server: { time: now } } = this.#options;
    const isOver = { $lte: ["$$range.visible_at", now] };
    const [found] = await collection.aggregate([
      { $match: THE_RANGES },
      {
        // The server compares the ids, as it compares those of the documents.
        $addFields: {
          behind: {
            $size: { $filter: { input: RANGES, cond: { $lte: ["$$this.to", "$position"] } } },
          },
          now,
          over: { $map: { input: RANGES, as: "range", in: isOver } },
        },
      },
    ], { ...BY_BYTES, maxTimeMS, ...(isOfMajority && { readConcern: { level: "majority" } }) }).toArray();
    return found && stateIn(found);
  }

  /**
   * How many parts of the order of `_id`, which are given in this order, hold no document, up to the first one that does:
   * one query that looks into each by the index of claims. Throws what the driver throws.
   *
   * @param documents the collection of the documents, and which of them count
   */
  async emptyBounds(
    bounds: readonly Bounds[],
    { collectionName, query }: { collectionName: string; query: Filter<Document> },
  ): Promise<number> {
    const { collection, maxTimeMS } = this.#options;
    const parts = bounds.map(({ above, upTo = new MaxKey() }) => ({ above, upTo }));
    const isWithin = { $expr: { $and: [{ $gt: ["$_id", "$$above"] }, { $lte: ["$_id", "$$upTo"] }] } };
    const [first] = await collection.aggregate([
      { $match: THE_RANGES },
      { $project: { part: { $literal: parts } } },
      { $unwind: { path: "$part", includeArrayIndex: "empty" } },
      {
        $lookup: {
          from: collectionName,
          let: { above: "$part.above", upTo: "$part.upTo" },
          pipeline: [
            { $match: { $and: [query, isWithin] } },
            { $sort: CLAIM_ORDER },
            { $limit: 1 },
            { $project: { _id: 1 } },
          ],
          as: "found",
        },
      },
      { $match: { "found.0": { $exists: true } } },
      { $limit: 1 },
      { $project: { _id: 0, empty: 1 } },
    ], { ...BY_BYTES, maxTimeMS }).toArray();
    return first?.empty ?? bounds.length;
  }

  /**
   * Adds a range, if no other was added since the state was read; returns the state after it, or undefined if another
   * agent was faster. Throws what the driver throws: then it is not known.
   */
  async swap({ at, isAside, range, state }: Swap): Promise<RangeState | undefined> {
    const version = crypto.randomUUID();
    const position = isAside ? state.position : range.to;
    const until = this.#options.serverClock.now(MODE_LEASE_MS);
    const { matchedCount } = await this.#options.collection.updateOne(
      {
        ...THE_RANGES,
        version: state.version,
        mode: "range",
      },
      {
        $set: { version, position },
        $max: { mode_until: until },
        // Sorted, the server writes all of them into its oplog. The last one is in its place.
        $push: {
          ranges: at === state.ranges.length ? range : { $each: [range], $sort: { from: 1 } },
        },
      } as Document,
      BY_BYTES,
    );
    if (matchedCount === 0) return undefined;
    const ranges = state.ranges.toSpliced(at, 0, range);
    const behind = isAside ? state.behind : at + 1;
    return { ...state, version, position, ranges, behind };
  }

  /** Takes a range away. Throws what the driver throws. */
  async drop(tokens: readonly string[]): Promise<void> {
    await this.#options.collection.updateOne(
      THE_RANGES,
      { $pull: { ranges: { token: { $in: tokens } } } } as Document,
    );
  }

  /**
   * Takes over a range, if it is as it was read and has run out by the server's clock; returns whether it is this agent's
   * now. Throws what the driver throws.
   */
  async takeOver(
    { from, to, token }: Range,
    next: Pick<Range, "token" | "visible_at">,
  ): Promise<boolean> {
    const { collection, owner, server: { time } } = this.#options;
    const isOver = { $and: [{ $eq: ["$$this.token", token] }, { $lte: ["$$this.visible_at", time] }] };
    const { matchedCount } = await collection.updateOne(
      {
        ...THE_RANGES,
        ranges: { $elemMatch: { from: { $eq: from }, to: { $eq: to }, token } },
        $expr: { $gt: [{ $size: { $filter: { input: RANGES, cond: isOver } } }, 0] },
      },
      {
        $set: {
          "ranges.$.token": next.token,
          "ranges.$.owner": owner,
          "ranges.$.visible_at": next.visible_at,
        },
      } as Document,
      BY_BYTES,
    );
    return matchedCount > 0;
  }

  /** Leaves a part of a range, and until when. Throws what the driver throws. */
  async cut({ from, to, token, visible_at }: Omit<Range, "owner">): Promise<void> {
    await this.#options.collection.updateOne(
      { ...THE_RANGES, "ranges.token": token },
      { $set: { "ranges.$.from": from, "ranges.$.to": to, "ranges.$.visible_at": visible_at } } as Document,
    );
  }
}

/** What a {@linkcode RangeControl} needs. */
export interface RangeControlOptions {
  /** The collection of the agents. */
  collection: Collection;
  server: Pick<StoreServer, "time">;
  serverClock: ServerClock;
  /** Bound of a query, in milliseconds. */
  maxTimeMS: number;
  /** The name of this agent. */
  owner: string;
}

function stateIn(stored: Document): RangeState {
  const { behind, filter, mode, now, over, position = BEGINNING, version } = stored;
  const ranges: Range[] = Array.isArray(stored.ranges) ? stored.ranges.map(rangeIn) : [];
  return {
    behind,
    position,
    ranges,
    now,
    over: ranges.filter((_, at) => over[at] === true),
    version: String(version),
    changed: changedIn(stored),
    mode,
    filter: typeof filter === "string" ? filter : undefined,
  };
}

function rangeIn(range: Document | null): Range {
  const { from, owner, to, token, visible_at } = range ?? {};
  return {
    from,
    to,
    token: String(token),
    owner: String(owner),
    visible_at: validDate(visible_at) ?? new Date(0),
  };
}
