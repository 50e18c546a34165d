import type { Collection, Document, Filter } from "mongodb";
import type { TimeAndChance } from "../../lib/time_and_chance.ts";
import { sleep } from "../../lib/deadline.ts";
import { isRefused } from "../mongo_errors.ts";
import type { CandidateReader, Candidates } from "../claims/candidates.ts";
import type { Taken } from "../claims/claim_batch.ts";
import type { PickUps } from "../claims/pick_ups.ts";
import type { RemainingLimit } from "../claims/remaining_limit.ts";
import type { ServerClock } from "../connection/server_clock.ts";
import { MongoLeasedDocument } from "../documents/leased_document.ts";
import { RawDocument } from "../documents/raw_document.ts";
import { filterAtFault } from "../filter.ts";
import type { ExpiredRanges, Marked } from "./expired_ranges.ts";
import type { DroppedRanges } from "./dropped_ranges.ts";
import { HeldRange } from "./held_range.ts";
import type { RangeMode } from "./range_mode.ts";
import { type Bounds, newAmong } from "./new_documents.ts";
import { isSameId, type Range, type RangeControl, type RangeState } from "./range_control.ts";
import { BEGINNING } from "./ranges_document.ts";

/** Swaps in one go, at most, if other agents are faster each time. */
const MAX_TRIES = 8;
/** The longest wait between two of them, in milliseconds. */
const MAX_WAIT_MS = 5;
/** Documents with bookkeeping and no time are looked for at most this often, in milliseconds. */
const SCHEDULE_MS = 10_000;
/** The longest jump of a claim at random, in documents; each empty look makes it shorter by this. */
const MAX_JUMP = 20_000;
const SHORTER = 4;
const NOTHING: Taken = { documents: [], hasMore: false, conflicts: 0 };

/** New documents that lie in no range, and where. */
interface Found extends Candidates {
  readonly state: RangeState;
  readonly from: unknown;
  /** The index of the next range behind them. */
  readonly at: number;
  readonly isAside: boolean;
}

/** A swap that is sent. Its range may stand even if its answer is lost. */
interface SentSwap {
  readonly token: string;
  readonly ids: readonly unknown[];
  readonly sentAtMs: number;
  /** The version that it compares: it cannot be applied once that has changed. */
  readonly version: number;
}

/**
 * Claims new documents without a write on any of them: it takes the next part of the order of `_id` that no agent holds,
 * by one write on the document of the ranges. No document in it needs to be marked: it belongs to the holder of the
 * range, as long as it is new.
 */
export class RangeClaimer {
  readonly #options: RangeClaimerOptions;
  readonly #namespace: string;
  readonly #open = new Set<SentSwap>();
  /** What this agent knows of the ranges; undefined if another agent has changed it. */
  #state: RangeState | undefined;
  #beganMs = -Infinity;
  #scheduledAtMs = -Infinity;
  #jumps = false;

  constructor(options: RangeClaimerOptions) {
    this.#options = options;
    this.#namespace = options.collection.namespace;
  }

  /** Whether a swap has no answer: {@linkcode RangeClaimer.recover} has to look for its range. */
  get hasOpen(): boolean {
    return this.#open.size > 0;
  }

  /** Claims up to `limit`. Throws what the driver throws. */
  async claim(limit: RemainingLimit): Promise<Taken> {
    const { clock, mode, random } = this.#options;
    await mode.look();
    let conflicts = 0;
    for (let tries = 1; tries <= MAX_TRIES; tries++) {
      const found = await this.#find(limit);
      // The next document may be too large for what the batch has room for.
      if (!found?.ids.length) return { ...NOTHING, conflicts, hasMore: found !== undefined };
      const documents = await this.#take(found);
      if (documents) {
        const hasMore = found.hasMore || found.at < found.state.ranges.length;
        return { documents, hasMore, conflicts };
      }
      this.#state = undefined;
      conflicts += found.ids.length;
      await sleep(clock, random() * MAX_WAIT_MS);
    }
    return { documents: [], hasMore: true, conflicts };
  }

  /** The next claim begins at a random place. */
  jumpFar(): void {
    this.#jumps = true;
  }

  /** The documents of ranges whose swap had no answer. Throws what the driver throws, if nothing was found before. */
  async recover(): Promise<MongoLeasedDocument[]> {
    if (this.#open.size === 0) return [];
    const { clock, dropped, leaseMs } = this.#options;
    // A swap that a failover may still roll back must not be worked on.
    const { ranges, version } = this.#state = await this.#readState({ isOfMajority: true });
    const documents: MongoLeasedDocument[] = [];
    for (const swap of [...this.#open]) {
      const isOld = clock.monotonicMs() - swap.sentAtMs >= leaseMs;
      if (ranges.some(({ token }) => token === swap.token)) {
        const found = isOld ? [] : await this.#readNew(swap.ids);
        this.#open.delete(swap);
        if (found.length === 0) dropped.add(swap.token);
        documents.push(...this.#leased(found, swap));
      } else if (isOld || version !== swap.version) this.#open.delete(swap);
    }
    return documents;
  }

  /** Takes over ranges that have run out. Throws what the driver throws. */
  async takeOverExpired(): Promise<Marked> {
    const { control, expired } = this.#options;
    const state = await control.read();
    // The next claim reads what is left of them, and judges it.
    this.#state = undefined;
    return state ? await expired.takeOver(state) : { documents: 0, refused: [] };
  }

  /**
   * Nothing is left for ranges: makes documents due that only look as if they were new, now and then.
   *
   * @param leftOut ids that were refused a moment ago
   */
  async scheduleTouched(leftOut: readonly unknown[]): Promise<Marked> {
    const { clock, expired, filter } = this.#options;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#scheduledAtMs < SCHEDULE_MS) return { documents: 0, refused: [] };
    this.#scheduledAtMs = nowMs;
    return await expired.scheduleTouched(filter, leftOut);
  }

  /** New documents that lie in no range: from the position on, and from the beginning if there are none, or now and then. */
  async #find(limit: RemainingLimit): Promise<Found | undefined> {
    const { clock, dropped, leaseMs } = this.#options;
    this.#state ??= await this.#readState();
    if (this.#jumps) {
      this.#jumps = false;
      return await this.#findAside(this.#state, limit);
    }
    // Documents that were inserted behind the position must not wait forever.
    const isDue = clock.monotonicMs() - this.#beganMs >= leaseMs;
    const ahead = isDue ? undefined : await this.#findFrom(this.#state, limit);
    if (ahead) return ahead;
    await dropped.flush();
    const state = this.#state = await this.#readState();
    const found = await this.#findFrom({ ...state, behind: 0 }, limit, BEGINNING);
    this.#beganMs = clock.monotonicMs();
    return found && { ...found, state };
  }

  async #readState(options?: { isOfMajority: boolean }): Promise<RangeState> {
    const { control, mode } = this.#options;
    return mode.checked(await control.read(options));
  }

  async #findFrom(
    state: RangeState,
    limit: RemainingLimit,
    from: unknown = state.position,
  ): Promise<Found | undefined> {
    const { ranges } = state;
    this.#options.mode.refuseMore(state);
    for (let at = state.behind; at <= ranges.length; at++) {
      const next = ranges[at];
      if (next === undefined || !isSameId(from, next.from)) {
        const found = await this.#read(limit, { above: from, upTo: next?.from });
        if (found.ids.length > 0 || found.hasMore) return { ...found, state, from, at, isAside: false };
      }
      if (next) from = next.to;
    }
    return undefined;
  }

  /** Documents at a random place, but for the first one there: the range begins with it. */
  async #findAside(state: RangeState, limit: RemainingLimit): Promise<Found | undefined> {
    const { ranges } = state;
    const last = ranges.at(-1);
    const above = last === undefined ? BEGINNING : last.to;
    for (let jump = MAX_JUMP; jump >= 1; jump = Math.floor(jump / SHORTER)) {
      const skip = Math.floor(this.#options.random() * jump);
      const two = await this.#read(
        { ...limit, documents: 2, isEmpty: true, bytes: Infinity },
        { above },
        skip,
      );
      if (two.ids.length < 2) continue;
      const from = two.ids[0];
      const found = await this.#read(limit, { above: from });
      if (found.ids.length > 0) return { ...found, state, from, at: ranges.length, isAside: true };
    }
    return await this.#findFrom({ ...state, behind: 0 }, limit, BEGINNING)
      .then((found) => found && { ...found, state });
  }

  async #read(limit: RemainingLimit, within: Bounds, skip = 0): Promise<Candidates> {
    const { candidates, filter } = this.#options;
    try {
      return await candidates.whole("new_documents", limit, { within, skip });
    } catch (error) {
      throw filterAtFault(error, filter);
    }
  }

  /** Undefined if another agent was faster. */
  async #take(
    { asRead, at, from, ids, isAside, read, state }: Found,
  ): Promise<MongoLeasedDocument[] | undefined> {
    const { clock, control, dropped, leaseMs, owner, pickUps, readBack, serverClock } = this.#options;
    const swap: SentSwap = {
      ids,
      token: crypto.randomUUID(),
      sentAtMs: clock.monotonicMs(),
      version: state.version,
    };
    const range: Range = {
      from,
      to: ids.at(-1),
      token: swap.token,
      owner,
      visible_at: serverClock.now(leaseMs),
    };
    this.#open.add(swap);
    let swapped: RangeState | undefined;
    try {
      swapped = await control.swap({ at, isAside, range, state });
    } catch (error) {
      this.#state = undefined;
      if (isRefused(error)) this.#open.delete(swap);
      throw error;
    }
    if (swapped === undefined) {
      this.#open.delete(swap);
      return undefined;
    }
    // What lies around a range that was taken at random is not known.
    this.#state = isAside ? undefined : swapped;
    const isAsRead = asRead !== undefined && readBack === "contended";
    const found = isAsRead ? asRead : await this.#readNew(ids);
    this.#open.delete(swap);
    if (found.length === 0) dropped.add(swap.token);
    const documents = this.#leased(found, swap);
    pickUps.claimed("new_documents", read, documents);
    return documents;
  }

  async #readNew(ids: readonly unknown[]): Promise<RawDocument[]> {
    const { collection, maxTimeMS } = this.#options;
    const found = await collection.find<Uint8Array>(newAmong(ids) as Filter<Document>, {
      raw: true,
      maxTimeMS,
      hint: { _id: 1 },
      sort: { _id: 1 },
      readConcern: { level: "majority" },
    }).toArray();
    return found.map((bytes) => new RawDocument(bytes));
  }

  #leased(found: readonly RawDocument[], { sentAtMs, token }: SentSwap): MongoLeasedDocument[] {
    const range = new HeldRange(token, (done) => this.#options.dropped.add(done));
    return found.map((raw) => {
      const lease = { token, sentAtMs, attempt: 1, isSuspect: false, range };
      const document = new MongoLeasedDocument(raw, this.#namespace, lease);
      range.add(document);
      return document;
    });
  }
}

/** What the store knows of the ranges. */
export interface RangeParts {
  readonly control: RangeControl;
  readonly dropped: DroppedRanges;
  readonly expired: ExpiredRanges;
  readonly mode: RangeMode;
}

/** What a {@linkcode RangeClaimer} needs. */
export interface RangeClaimerOptions extends RangeParts, TimeAndChance {
  candidates: CandidateReader;
  collection: Collection;
  filter: Filter<Document> | undefined;
  leaseMs: number;
  /** Bound of a query, in milliseconds. */
  maxTimeMS: number;
  owner: string;
  /** Gets what was claimed. */
  pickUps: PickUps;
  readBack: "contended" | "always";
  serverClock: ServerClock;
}
