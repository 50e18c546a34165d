import type { Collection, Document, Filter } from "mongodb";
import type { Chance } from "../../lib/chance.ts";
import type { CandidateReader, Candidates } from "../claims/candidates.ts";
import type { RemainingLimit } from "../claims/remaining_limit.ts";
import type { RawDocument } from "../documents/raw_document.ts";
import { idLength } from "../documents/round_trip_id.ts";
import { filterAtFault } from "../filter.ts";
import type { Bounds } from "./new_documents.ts";
import type { ExpiredRanges } from "./expired_ranges.ts";
import type { Marked } from "./mark_writer.ts";
import type { RangeControl, RangeState } from "./range_control.ts";
import { BEGINNING, isSameId } from "./ranges_document.ts";

/** Gaps that are read one by one, at most: of more than these, one look tells which is the first with a document. */
const FEW_GAPS = 2;
/** An id with more bytes is too large for a bound. */
const MAX_ID_BYTES = 1024;
/** Readings in one go, at most, if no range can hold what each brings. */
const MAX_READINGS = 3;
/** The longest jump to a place at random, in documents; each empty look makes it shorter by this. */
const MAX_JUMP = 20_000;
const SHORTER = 4;

/** New documents that lie in no range, and where. */
export interface FreeDocuments extends Candidates {
  readonly state: RangeState;
  readonly from: unknown;
  /** The index of the next range behind them. */
  readonly at: number;
  readonly isAside: boolean;
}

/** A part of the order of `_id` between two ranges, and the index of the second one. */
interface Gap extends Bounds {
  readonly at: number;
}

/**
 * Reads new documents that lie in no range, and schedules those that it meets and that no range can hold: they are claimed
 * one by one. Its methods throw what the driver throws.
 */
export class FreeDocumentsReader {
  readonly #options: FreeDocumentsReaderOptions;

  constructor(options: FreeDocumentsReaderOptions) {
    this.#options = options;
  }

  /** The first ones behind the position. */
  async ahead(state: RangeState, limit: RemainingLimit): Promise<FreeDocuments | undefined> {
    return await this.#first(state, limit, gapsOf(state, state.position, state.behind));
  }

  /** The first ones of all up to the position. */
  async behind(state: RangeState, limit: RemainingLimit): Promise<FreeDocuments | undefined> {
    return await this.#first(state, limit, gapsBehind(state));
  }

  /** The first ones of all. */
  async fromBeginning(state: RangeState, limit: RemainingLimit): Promise<FreeDocuments | undefined> {
    return await this.#first(state, limit, gapsOf(state, BEGINNING, 0));
  }

  /** Documents at a random place, but for the first one there: the range begins with it. */
  async aside(state: RangeState, limit: RemainingLimit): Promise<FreeDocuments | undefined> {
    const { ranges } = state;
    const above = ranges.at(-1)?.to ?? BEGINNING;
    const two: RemainingLimit = { ...limit, documents: 2, isEmpty: true, bytes: Infinity };
    for (let jump = MAX_JUMP; jump >= 1; jump = Math.floor(jump / SHORTER)) {
      const skip = Math.floor(this.#options.random() * jump);
      const place = { within: { above }, skip };
      const { read } = await this.#blaming(this.#options.candidates.ids("new_documents", two, place));
      if (read.length < 2 || isApart(read[0]!)) continue;
      const from = read[0]!.id;
      const found = await this.#read(limit, { above: from });
      if (found.ids.length > 0) return { ...found, state, from, at: ranges.length, isAside: true };
    }
    return await this.fromBeginning(state, limit);
  }

  /** The documents of the first gap that has any. */
  async #first(
    state: RangeState,
    limit: RemainingLimit,
    gaps: readonly Gap[],
  ): Promise<FreeDocuments | undefined> {
    for (let left = gaps; left.length > 0; left = left.slice(1)) {
      // The look does not find the document that no range holds.
      const isFirst = isSameId(left[0]!.above, BEGINNING);
      if (left.length > FEW_GAPS && !isFirst) left = left.slice(await this.#emptyOf(left));
      const [gap] = left;
      const found = gap && await this.#read(limit, gap);
      if (found && (found.ids.length > 0 || found.hasMore)) {
        return { ...found, state, from: gap.above, at: gap.at, isAside: false };
      }
    }
    return undefined;
  }

  /** How many gaps come before the first one that has a document. */
  async #emptyOf(gaps: readonly Gap[]): Promise<number> {
    const { candidates: { unscheduled }, collection: { collectionName }, control } = this.#options;
    return await this.#blaming(control.emptyBounds(gaps, { collectionName, query: unscheduled }));
  }

  async #read(limit: RemainingLimit, bounds: Bounds): Promise<Candidates> {
    const { candidates, expired, onScheduled } = this.#options;
    for (let readings = 1;; readings++) {
      const found = await this.#blaming(candidates.whole("new_documents", limit, { within: bounds }));
      const { apart = [], read = [] } = Object.groupBy(found.read, (raw) => isApart(raw) ? "apart" : "read");
      if (apart.length === 0) return found;
      await expired.schedule(apart.map(({ id }) => id), onScheduled);
      if (read.length > 0 || readings >= MAX_READINGS) {
        return { ids: read.map(({ id }) => id), read, asRead: undefined, hasMore: true };
      }
    }
  }

  async #blaming<T>(reading: Promise<T>): Promise<T> {
    try {
      return await reading;
    } catch (error) {
      throw filterAtFault(error, this.#options.filter);
    }
  }
}

/** The gaps between ranges from a place on, which lies below the range with the index `at` and above those before it. */
function gapsOf({ ranges }: RangeState, from: unknown, at: number): Gap[] {
  const gaps: Gap[] = [];
  let above = from;
  for (const [index, range] of ranges.entries()) {
    if (index < at) continue;
    if (!isSameId(above, range.from)) gaps.push({ above, upTo: range.from, at: index });
    above = range.to;
  }
  return [...gaps, { above, at: ranges.length }];
}

/** The gaps between ranges up to the position. */
function gapsBehind(state: RangeState): Gap[] {
  const { behind: at, position, ranges } = state;
  const [rest, ...gaps] = gapsOf({ ...state, ranges: ranges.slice(0, at) }, BEGINNING, 0).toReversed();
  const { above } = rest!;
  return [...gaps.toReversed(), ...isSameId(above, position) ? [] : [{ above, upTo: position, at }]];
}

/**
 * Whether a document that looks new is not, or has an id that no range is given: they are open below, and all of them stand
 * in one document. All agents have to agree on these ids, as a new document in no agent's range gets bookkeeping.
 */
function isApart(raw: RawDocument): boolean {
  const { bookkeeping, bytes, id } = raw;
  if (bookkeeping !== undefined || isSameId(id, BEGINNING)) return true;
  return bytes.length > MAX_ID_BYTES && idLength(raw) > MAX_ID_BYTES;
}

/** What a {@linkcode FreeDocumentsReader} needs. */
export interface FreeDocumentsReaderOptions {
  candidates: Pick<CandidateReader, "ids" | "unscheduled" | "whole">;
  collection: Collection;
  control: Pick<RangeControl, "emptyBounds">;
  expired: Pick<ExpiredRanges, "schedule">;
  filter: Filter<Document> | undefined;
  /** Gets what came of documents that were scheduled. */
  onScheduled(marked: Marked): void;
  random: Chance;
}
