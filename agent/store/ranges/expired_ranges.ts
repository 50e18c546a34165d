import type { Document, Filter } from "mongodb";
import { ClaimModeError, errorText } from "../../errors.ts";
import type { TimeAndChance } from "../../lib/time_and_chance.ts";
import type { RefusedClaim } from "../../ports.ts";
import type { ServerClock } from "../connection/server_clock.ts";
import { parseSourceFilter } from "../filter.ts";
import { type Marked, MarkWriter, type MarkWriterOptions } from "./mark_writer.ts";
import { newAmong, newWithin, unscheduledAmong } from "./new_documents.ts";
import type { Range, RangeControl, RangeState } from "./range_control.ts";

/** Documents of a range that are read at once, at most: many may have been inserted into it. */
const MOST = 20_000;
/** An agent that claims goes on with further ranges for so long, in milliseconds: the claim waits for it. */
const GO_ON_MS = 250;
/** What could not be marked because it is locked is tried again after this long, in milliseconds. */
const LOCKED_MS = 10_000;
/** A time at which anything has run out. */
const LONG_AGO = new Date(0);

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

/**
 * Takes over ranges that have run out: their new documents get bookkeeping, so that each is claimed by itself from then on,
 * as a document whose lease has expired, and the range is dropped.
 *
 * Each step has its place. The token is read before the ids, and the takeover compares it, so the last taker has read all
 * that an earlier one has. The documents are named by their ids, so a late write cannot meet those of the next holder. The
 * range is dropped when all of that is answered: by then no write of an earlier holder finds a new document in it. What is
 * locked keeps a part of it.
 *
 * A document that is too large for bookkeeping becomes a dead letter by its status alone. One that the database refuses for
 * another reason, perhaps for a while, is reported, and left out by this agent for a while. Neither may keep the range,
 * and with it the mode, forever.
 */
export class ExpiredRanges {
  readonly #options: ExpiredRangesOptions;
  readonly #marks: MarkWriter;

  constructor(options: ExpiredRangesOptions) {
    this.#options = options;
    this.#marks = new MarkWriter(options);
  }

  /**
   * Takes over what has run out of ranges that were read, as far as a short time allows: at least one, and in an order at
   * random, as other agents do the same. Returns whether none is left. Throws what the driver throws.
   *
   * @param onMarked gets what came of the documents of each range, also if one of its writes fails
   * @param goOnMs goes on with further ranges for so long, in milliseconds
   */
  async takeOver(
    { filter: text, now, over }: RangeState,
    onMarked: (marked: Marked) => void,
    goOnMs = GO_ON_MS,
  ): Promise<boolean> {
    if (over.length === 0) return true;
    const { clock, random } = this.#options;
    const filter = text === undefined ? undefined : filterIn(text);
    const untilMs = clock.monotonicMs() + goOnMs;
    const left = [...over];
    while (left.length > 0) {
      const [range] = left.splice(Math.floor(random() * left.length), 1);
      const isOurs = await this.#takeOver(range!, { filter, now, onMarked });
      // Another agent that was faster is at the others, too.
      if (!isOurs || clock.monotonicMs() >= untilMs) break;
    }
    return left.length === 0;
  }

  /**
   * Documents become due that look as if they were new, and that no range holds: a user has left them bookkeeping without a
   * time, or their id cannot be a bound. Those that the database lets take no time are only told. Throws what the driver
   * throws.
   *
   * @param onScheduled gets what came of them, also if a write fails
   */
  async schedule(ids: readonly unknown[], onScheduled: (marked: Marked) => void): Promise<void> {
    const update = { $set: { "_pull.visible_at": this.#options.serverClock.now() } };
    const { failure, ...marked } = await this.#marks.write(ids, { query: unscheduledAmong, update });
    onScheduled(marked);
    if (failure) throw failure.error;
  }

  /** Returns whether no other agent was faster. */
  async #takeOver(
    range: Range,
    { filter, now, onMarked }: {
      filter: Filter<Document> | undefined;
      now: Date;
      onMarked: (marked: Marked) => void;
    },
  ): Promise<boolean> {
    const { control, leaseMs, refusals, serverClock } = this.#options;
    const ids = await this.#idsOf(newWithin({ above: range.from, upTo: range.to }, filter));
    const token = crypto.randomUUID();
    const isOurs = await control.takeOver(range, { token, visible_at: serverClock.now(leaseMs) });
    if (!isOurs) return false;
    const { documents, failure, locked, refused } = await this.#marks.write(ids, {
      query: newAmong,
      update: { $set: { _pull: { visible_at: now, takeovers: 1 } } },
    });
    onMarked({ documents, locked, refused: await refusals.makeOfNew(refused) });
    if (failure) throw failure.error;
    const isCut = ids.length >= MOST;
    if (locked.length > 0) {
      const open = new Set(locked.map(({ id }) => id));
      const first = ids.findIndex((id) => open.has(id));
      const last = isCut ? range.to : ids.findLast((id) => open.has(id));
      const from = first > 0 ? ids[first - 1] : range.from;
      await control.cut({ token, from, to: last, visible_at: serverClock.now(LOCKED_MS) });
    } else if (isCut) await control.cut({ token, from: ids.at(-1), to: range.to, visible_at: LONG_AGO });
    else await control.drop([token]);
    return true;
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
}

/** What {@linkcode ExpiredRanges} need. */
export interface ExpiredRangesOptions extends MarkWriterOptions, TimeAndChance {
  control: RangeControl;
  leaseMs: number;
  /** Makes dead letters of new documents that are too large for bookkeeping. Never throws. */
  refusals: { makeOfNew(refused: readonly RefusedClaim[]): Promise<RefusedClaim[]> };
  serverClock: ServerClock;
}
