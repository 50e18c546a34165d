import type { Document, Filter } from "mongodb";
import type { TimeAndChance } from "../../lib/time_and_chance.ts";
import { sleep } from "../../lib/deadline.ts";
import { isRefused } from "../mongo_errors.ts";
import type { Taken } from "../claims/claim_batch.ts";
import type { PickUps } from "../claims/pick_ups.ts";
import type { RemainingLimit } from "../claims/remaining_limit.ts";
import type { ServerClock } from "../connection/server_clock.ts";
import { MongoLeasedDocument } from "../documents/leased_document.ts";
import { RawDocument } from "../documents/raw_document.ts";
import type { ExpiredRanges } from "./expired_ranges.ts";
import type { Marked } from "./mark_writer.ts";
import type { DroppedRanges } from "./dropped_ranges.ts";
import {
  type FreeDocuments,
  FreeDocumentsReader,
  type FreeDocumentsReaderOptions,
} from "./free_documents.ts";
import { HeldRange } from "./held_range.ts";
import type { RangeMode } from "./range_mode.ts";
import { newAmong } from "./new_documents.ts";
import type { Range, RangeControl, RangeState } from "./range_control.ts";

/** Swaps in one go, at most, if other agents are faster each time. */
const MAX_TRIES = 8;
/** The longest wait between two of them, in milliseconds. */
const MAX_WAIT_MS = 5;
const NOTHING: Taken = { documents: [], hasMore: false, conflicts: 0 };
/** What stands in a document of the ranges that is not there. */
const REMOVED: Pick<RangeState, "ranges" | "version"> = { ranges: [], version: "" };

/** A swap that is sent. Its range may stand even if its answer is lost. */
interface SentSwap {
  readonly token: string;
  readonly ids: readonly unknown[];
  readonly sentAtMs: number;
  /** The version that it compares: it cannot be applied once that has changed. */
  readonly version: string;
}

/**
 * Claims new documents without a write on any of them: it takes the next part of the order of `_id` that no agent holds,
 * by one write on the document of the ranges. No document in it needs to be marked: it belongs to the holder of the
 * range, as long as it is new.
 */
export class RangeClaimer {
  readonly #options: RangeClaimerOptions;
  readonly #namespace: string;
  readonly #free: FreeDocumentsReader;
  readonly #open = new Set<SentSwap>();
  /** What this agent knows of the ranges; undefined if another agent has changed it. */
  #state: RangeState | undefined;
  /** By the monotonic clock: when the ranges were read last. */
  #readAtMs = -Infinity;
  #beganMs = -Infinity;
  #jumps = false;

  constructor(options: RangeClaimerOptions) {
    this.#options = options;
    this.#namespace = options.collection.namespace;
    this.#free = new FreeDocumentsReader(options);
  }

  /** Whether a swap has no answer: {@linkcode RangeClaimer.recover} has to look for its range. */
  get hasOpen(): boolean {
    return this.#open.size > 0;
  }

  /**
   * Claims up to `limit`. Throws what the driver throws.
   *
   * @param sinceMs what was read of the ranges since then, by the monotonic clock, need not be read again
   */
  async claim(limit: RemainingLimit, sinceMs: number): Promise<Taken> {
    const { clock, mode, random } = this.#options;
    await mode.look();
    let conflicts = 0;
    for (let tries = 1; tries <= MAX_TRIES; tries++) {
      const found = await this.#find(limit, sinceMs);
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

  /**
   * The documents of ranges whose swap had no answer. They are this agent's, also if the mode of the agents has changed. Throws
   * what the driver throws, if nothing was found before.
   */
  async recover(): Promise<MongoLeasedDocument[]> {
    if (this.#open.size === 0) return [];
    const { clock, control, dropped, leaseMs } = this.#options;
    this.#state = undefined;
    // A swap that a failover may still roll back must not be worked on. A document that was removed takes none any more.
    const { ranges, version } = await control.read({ isOfMajority: true }) ?? REMOVED;
    const documents: MongoLeasedDocument[] = [];
    for (const swap of [...this.#open]) {
      const isOld = clock.monotonicMs() - swap.sentAtMs >= leaseMs;
      if (ranges.some(({ token }) => token === swap.token)) {
        const found = isOld ? [] : await this.#readNew(swap.ids).catch((error) => {
          // What was found already must be worked on; this one is looked for again.
          if (documents.length === 0) throw error;
        });
        if (found === undefined) break;
        this.#open.delete(swap);
        if (found.length === 0) dropped.add(swap.token);
        documents.push(...this.#leased(found, swap));
      } else if (isOld || version !== swap.version) this.#open.delete(swap);
    }
    return documents;
  }

  /** As {@linkcode RangeClaimer.takeOverExpired}, of the ranges that {@linkcode RangeClaimer.claim} has just found nothing beside. */
  async takeOverRest(onMarked: (marked: Marked) => void): Promise<boolean> {
    const state = this.#state;
    return state === undefined ? await this.takeOverExpired(onMarked) : await this.#takeOver(state, onMarked);
  }

  /**
   * Takes over ranges that have run out, as far as a short time allows, and tells what came of their documents; returns
   * whether none is left. Throws what the driver throws.
   */
  async takeOverExpired(onMarked: (marked: Marked) => void): Promise<boolean> {
    const { clock, control } = this.#options;
    this.#state = undefined;
    const readAtMs = clock.monotonicMs();
    const state = await control.read();
    this.#readAtMs = readAtMs;
    return state === undefined || await this.#takeOver(state, onMarked);
  }

  async #takeOver(state: RangeState, onMarked: (marked: Marked) => void): Promise<boolean> {
    // What is left of ranges that have run out has to be read again.
    this.#state = state.over.length === 0 ? state : undefined;
    return state.over.length === 0 || await this.#options.expired.takeOver(state, onMarked);
  }

  /** New documents that lie in no range: from the position on, and from the beginning if there are none, or now and then. */
  async #find(limit: RemainingLimit, sinceMs: number): Promise<FreeDocuments | undefined> {
    const { clock, dropped, leaseMs, mode } = this.#options;
    const state = this.#state = this.#known() ?? await this.#readState();
    mode.refuseMore(state);
    if (this.#jumps) {
      this.#jumps = false;
      // It may be old.
      this.#state = undefined;
      return await this.#free.aside(state, limit);
    }
    // Documents that were inserted behind the position must not wait forever.
    const isDue = clock.monotonicMs() - this.#beganMs >= leaseMs;
    const ahead = isDue ? undefined : await this.#free.ahead(state, limit);
    if (ahead) return ahead;
    const isFresh = this.#readAtMs >= sinceMs && dropped.isEmpty;
    await dropped.flush();
    const now = this.#state = isFresh ? state : await this.#readState();
    mode.refuseMore(now);
    const found = isFresh && !isDue
      ? await this.#free.behind(now, limit)
      : await this.#free.fromBeginning(now, limit);
    this.#beganMs = clock.monotonicMs();
    return found;
  }

  /** What was read may be from before this agent has taken its mode. */
  #known(): RangeState | undefined {
    try {
      return this.#state && this.#options.mode.checked(this.#state);
    } catch {
      return undefined;
    }
  }

  async #readState(): Promise<RangeState> {
    const { clock, control, mode } = this.#options;
    const readAtMs = clock.monotonicMs();
    const state = mode.checked(await control.read());
    this.#readAtMs = readAtMs;
    return state;
  }

  /** Undefined if another agent was faster. */
  async #take(
    { asRead, at, from, ids, isAside, read, state }: FreeDocuments,
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
export interface RangeClaimerOptions
  extends RangeParts, TimeAndChance, Omit<FreeDocumentsReaderOptions, "control" | "expired"> {
  leaseMs: number;
  /** Bound of a query, in milliseconds. */
  maxTimeMS: number;
  owner: string;
  /** Gets what was claimed. */
  pickUps: PickUps;
  readBack: "contended" | "always";
  serverClock: ServerClock;
}
