import type { Collection, Document, Filter, UpdateFilter } from "mongodb";
import type { RefusedClaim } from "../../ports.ts";
import type { ServerClock } from "../connection/server_clock.ts";
import { ClaimModeError, errorText } from "../../errors.ts";
import { parseSourceFilter } from "../filter.ts";
import { writeWithin } from "../limited_writes.ts";
import { isOfDocument } from "../mongo_errors.ts";
import { newAmong, newWithin, unscheduledAmong } from "./new_documents.ts";
import type { Range, RangeControl, RangeState } from "./range_control.ts";

/** Documents of a range that are read at once, at most: many may have been inserted into it. */
const MOST = 20_000;
/** Documents of one write, at most. */
const CHUNK = 1000;

/** What came of documents that got bookkeeping, or were to get it. */
export interface Marked {
  readonly documents: number;
  /** Those that the database let take none, and whether they are dead letters now. */
  readonly refused: readonly RefusedClaim[];
}

/** The `FILTER` of those that have taken ranges. A user may have changed it: it is checked as the setting is. */
function filterIn(text: string): Filter<Document> {
  try {
    return parseSourceFilter(text);
  } catch (error) {
    throw new ClaimModeError(
      `The field "filter" of the document "ranges", in the collection of the agents, ${
        errorText(error)
      }: stop all agents, ` +
        "wait for their leases, and remove the document",
      { cause: error },
    );
  }
}

const NOTHING_MARKED: Marked = { documents: 0, refused: [] };

/**
 * Takes over ranges that have run out: their new documents get bookkeeping, so that each is claimed by itself from then on,
 * as a document whose lease has expired, and the range is dropped.
 *
 * Each step has its place. The token is read before the ids, and the takeover compares it, so the last taker has read all
 * that an earlier one has. The documents are named by their ids, so a late write cannot meet those of the next holder. The
 * range is dropped when all of that is answered: by then no write of an earlier holder finds a new document in it.
 *
 * A document that takes no bookkeeping becomes a dead letter by its status alone. If the database refuses that, too, it is
 * reported, and left out by this agent for a while: it must not keep the range, and with it the mode, forever.
 */
export class ExpiredRanges {
  readonly #options: ExpiredRangesOptions;

  constructor(options: ExpiredRangesOptions) {
    this.#options = options;
  }

  /**
   * Takes over what has run out of ranges that were read. Throws what the driver throws.
   *
   * @param onMarked gets what came of the documents of each range, also if a later write fails
   */
  async takeOver({ filter: text, now, over }: RangeState, onMarked: (marked: Marked) => void): Promise<void> {
    if (over.length === 0) return;
    const filter = text === undefined ? undefined : filterIn(text);
    for (const range of over) await this.#takeOver(range, { filter, now, onMarked });
  }

  /**
   * Documents become due that look as if they were new, and that no range holds: a user has left them bookkeeping without a
   * time, or they have the least of all ids. Those that the database lets take no time are only told. Throws what the
   * driver throws.
   */
  async schedule(ids: readonly unknown[]): Promise<Marked> {
    const update = { $set: { "_pull.visible_at": this.#options.serverClock.now() } };
    return await this.#markAll(ids, { query: unscheduledAmong, update });
  }

  async #takeOver(
    range: Range,
    { filter, now, onMarked }: {
      filter: Filter<Document> | undefined;
      now: Date;
      onMarked: (marked: Marked) => void;
    },
  ): Promise<void> {
    const { control, leaseMs, refusals, serverClock } = this.#options;
    const ids = await this.#idsOf(newWithin({ above: range.from, upTo: range.to }, filter));
    const token = crypto.randomUUID();
    const isOurs = await control.takeOver(range, { token, visible_at: serverClock.now(leaseMs) });
    if (!isOurs) return;
    const { documents, refused } = await this.#markAll(ids, {
      query: newAmong,
      update: { $set: { _pull: { visible_at: now, takeovers: 1 } } },
    });
    const failed = refused.length === 0 ? [] : await refusals.makeOfNew(refused);
    onMarked({ documents, refused: failed });
    if (ids.length < MOST) await control.drop([token]);
    else await control.cutBelow(token, ids.at(-1));
  }

  async #idsOf(query: Filter<Document>): Promise<unknown[]> {
    const { collection, maxTimeMS } = this.#options;
    const found = await collection.find(query, {
      projection: { _id: 1 },
      sort: { "_pull.visible_at": 1, _id: 1 },
      limit: MOST,
      batchSize: MOST,
      maxTimeMS,
    }).toArray();
    return found.map(({ _id }) => _id);
  }

  async #markAll(ids: readonly unknown[], mark: Mark): Promise<Marked> {
    let marked = NOTHING_MARKED;
    for (let at = 0; at < ids.length; at += CHUNK) {
      marked = both(marked, await this.#mark(ids.slice(at, at + CHUNK), mark));
    }
    return marked;
  }

  async #mark(ids: readonly unknown[], mark: Mark): Promise<Marked> {
    try {
      const { collection, writeLimitMs } = this.#options;
      const send = (limit: { maxTimeMS?: number }) =>
        collection.updateMany(mark.query(ids), mark.update, { hint: { _id: 1 }, ...limit });
      return { documents: await writeWithin(writeLimitMs, send), refused: [] };
    } catch (error) {
      if (!isOfDocument(error)) throw error;
      if (ids.length === 1) return { documents: 0, refused: [{ id: ids[0], error }] };
    }
    const half = ids.length >> 1;
    return both(await this.#mark(ids.slice(0, half), mark), await this.#mark(ids.slice(half), mark));
  }
}

function both(one: Marked, other: Marked): Marked {
  return { documents: one.documents + other.documents, refused: [...one.refused, ...other.refused] };
}

/** A write on documents, and which of those that are named it may meet. */
interface Mark {
  query(ids: readonly unknown[]): Filter<Document>;
  readonly update: UpdateFilter<Document>;
}

/** What {@linkcode ExpiredRanges} need. */
export interface ExpiredRangesOptions {
  collection: Collection;
  control: RangeControl;
  leaseMs: number;
  /** Bound of a query, in milliseconds. */
  maxTimeMS: number;
  /** Makes dead letters of new documents that take no bookkeeping. Never throws. */
  refusals: { makeOfNew(refused: readonly RefusedClaim[]): Promise<RefusedClaim[]> };
  serverClock: ServerClock;
  /** The server gives up a grouped write after this long, in milliseconds, as documents may be locked. */
  writeLimitMs: number;
}
