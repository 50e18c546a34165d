import type { Collection, Document, Filter } from "mongodb";
import type { LeftAlone } from "../../ports.ts";
import type { CandidateReader } from "./candidates.ts";
import { idBytes } from "../documents/round_trip_id.ts";
import type { HeldUpWatch } from "./held_up.ts";
import { isOutOfTime } from "../mongo_errors.ts";
import { unclaimable, WAITING } from "../queries.ts";
import { RawDocument } from "../documents/raw_document.ts";
import type { ExcludedIds } from "./excluded_ids.ts";

/** What a {@linkcode LeftAloneReader} needs. */
export interface LeftAloneOptions {
  collection: Collection;
  filter: Filter<Document> | undefined;
  /** Bound of a query, in milliseconds. */
  maxTimeMS: number;
  /** Documents whose claim MongoDB refused. */
  excluded: ExcludedIds;
  /** Knows the documents that wait for others for ever. */
  heldUp: Pick<HeldUpWatch, "stuck">;
  /** Knows the documents whose `_id` no claim can name. */
  candidates: Pick<CandidateReader, "unaddressable">;
  /** Milliseconds that only grow. */
  nowMs?: () => number;
}

/** Time between two looks, in milliseconds. */
const LOOK_MS = 60_000;
/** Time between two looks that read all that is scheduled, in milliseconds; the first look does, too. */
const THOROUGH_MS = 3_600_000;
/** Bound of a query of a look that is not the last, in milliseconds: claims wait for it. */
const MAX_TIME_MS = 2000;
/** Documents that are counted per reason, at most. */
const MAX_COUNTED = 1000;

/** Finds and counts documents that wait and that no claim can take, by the reason why not. */
export class LeftAloneReader {
  readonly #options: LeftAloneOptions;
  readonly #nowMs: () => number;
  #lookedAtMs = -Infinity;
  #wasThoroughAtMs = -Infinity;

  constructor(options: LeftAloneOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
  }

  /** Undefined if the last look was a moment ago and this one is not the last. Throws what the driver throws. */
  async look(isLast: boolean): Promise<LeftAlone[] | undefined> {
    const now = this.#nowMs();
    if (!isLast && now - this.#lookedAtMs < LOOK_MS) return undefined;
    const isThorough = isLast || now - this.#wasThoroughAtMs >= THOROUGH_MS;
    this.#lookedAtMs = now;
    if (isThorough) this.#wasThoroughAtMs = now;
    const maxTimeMS = isLast ? this.#options.maxTimeMS : Math.min(this.#options.maxTimeMS, MAX_TIME_MS);
    try {
      return await this.#look(isThorough, maxTimeMS);
    } catch (error) {
      // Too much is scheduled to read all of it.
      if (!isThorough || !isOutOfTime(error)) throw error;
      return await this.#look(false, maxTimeMS);
    }
  }

  async #look(isThorough: boolean, maxTimeMS: number): Promise<LeftAlone[]> {
    const known = new Set<string>();
    const found: (LeftAlone | undefined)[] = [];
    for (const { query, reason } of unclaimable(isThorough)) {
      found.push(await this.#count(query, reason, known, maxTimeMS));
    }
    for (const [reason, ids] of this.#options.excluded.byReason) {
      const still = { _id: { $in: ids as never[] }, ...WAITING };
      found.push(await this.#count(still, reason, known, maxTimeMS));
    }
    const { stuck } = this.#options.heldUp;
    if (stuck) found.push(await this.#count(stuck.query, stuck.reason, known, maxTimeMS));
    found.push(this.#options.candidates.unaddressable);
    return found.filter((each) => each !== undefined);
  }

  /** Counts the documents that are not in `known` yet, and adds them to it. */
  async #count(
    query: Filter<Document>,
    reason: unknown,
    known: Set<string>,
    maxTimeMS: number,
  ): Promise<LeftAlone | undefined> {
    const { collection, filter } = this.#options;
    const found = await collection.find<Uint8Array>(filter ? { $and: [query, filter] } : query, {
      projection: { _id: 1 },
      limit: MAX_COUNTED,
      batchSize: MAX_COUNTED,
      singleBatch: true,
      raw: true,
      maxTimeMS,
    }).toArray();
    const fresh = found.map((bytes) => new RawDocument(bytes)).filter((raw) => !known.has(idBytes(raw)));
    for (const raw of fresh) known.add(idBytes(raw));
    if (fresh.length === 0) return undefined;
    return { documents: fresh.length, isMore: found.length >= MAX_COUNTED, example: fresh[0]!.id, reason };
  }
}
