import type { Collection, Document, Filter } from "mongodb";
import type { Clock } from "../../lib/clock.ts";
import type { LeftAlone, LookMoment } from "../../ports.ts";
import type { CandidateReader } from "./candidates.ts";
import { idBytes } from "../documents/round_trip_id.ts";
import type { HeldUpWatch } from "./held_up.ts";
import { isOutOfTime } from "../mongo_errors.ts";
import { unclaimable, waitingFor } from "../queries.ts";
import { RawDocument } from "../documents/raw_document.ts";
import type { StoreServer } from "../server/store_server.ts";
import type { ExcludedIds } from "./excluded_ids.ts";

/** Time between two looks at what claims have met, and between two scans, in milliseconds. */
const LOOK_MS = 60_000;
/** Time between two looks that read all scheduled documents, in milliseconds. The first look reads them, too. */
const THOROUGH_MS = 3_600_000;
/** Bound of a query if the look is not the last one, in milliseconds: claims wait for it. */
const MAX_TIME_MS = 2000;
/** Documents that are counted per reason, at most. */
const MAX_COUNTED = 1000;

/** What a scan found: the groups, and the ids of all that it counted. */
interface Scanned {
  readonly keys: ReadonlySet<string>;
  readonly groups: readonly LeftAlone[];
}

/** Finds and counts documents that wait and that no claim can take, by reason. */
export class LeftAloneReader {
  readonly #options: LeftAloneOptions;
  #lookedAtMs: number;
  #scannedAtMs = -Infinity;
  #wasThoroughAtMs = -Infinity;
  #scanned: Scanned = { keys: new Set(), groups: [] };

  constructor(options: LeftAloneOptions) {
    this.#options = options;
    // An agent that begins with a backlog has work to do first.
    this.#lookedAtMs = this.#options.clock.monotonicMs();
  }

  /** Undefined if the last look was a moment ago and this one is not the last. Throws what the driver throws. */
  async look(moment: LookMoment): Promise<LeftAlone[] | undefined> {
    const hasNews = await this.#options.heldUp.look();
    const now = this.#options.clock.monotonicMs();
    const isLast = moment === "last";
    // A scan of all waiting documents is not worth a stop of the claims: the result of the last one stays.
    const isScan = isLast || (moment === "idle" && now - this.#scannedAtMs >= LOOK_MS);
    if (!isScan && !hasNews && now - this.#lookedAtMs < LOOK_MS) return undefined;
    this.#lookedAtMs = now;
    const known = new Set<string>();
    const maxTimeMS = isLast ? this.#options.maxTimeMS : Math.min(this.#options.maxTimeMS, MAX_TIME_MS);
    if (isScan) {
      this.#scannedAtMs = now;
      this.#scanned = await this.#scan(isLast, maxTimeMS);
    }
    for (const key of this.#scanned.keys) known.add(key);
    return [...this.#scanned.groups, ...await this.#remembered(known, maxTimeMS)];
  }

  /** What no claim can find, by queries that read all waiting documents. */
  async #scan(isLast: boolean, maxTimeMS: number): Promise<Scanned> {
    const now = this.#options.clock.monotonicMs();
    const isThorough = isLast || now - this.#wasThoroughAtMs >= THOROUGH_MS;
    if (isThorough) this.#wasThoroughAtMs = now;
    try {
      return await this.#scanOnce(isThorough, maxTimeMS);
    } catch (error) {
      // There are too many scheduled documents to read them all.
      if (!isThorough || !isOutOfTime(error)) throw error;
      return await this.#scanOnce(false, maxTimeMS);
    }
  }

  async #scanOnce(isThorough: boolean, maxTimeMS: number): Promise<Scanned> {
    const keys = new Set<string>();
    const groups: LeftAlone[] = [];
    for (const { query, reason } of unclaimable(isThorough)) {
      groups.push(...await this.#count(query, reason, keys, maxTimeMS));
    }
    return { keys, groups };
  }

  /** What claims have found and could not take. */
  async #remembered(known: Set<string>, maxTimeMS: number): Promise<LeftAlone[]> {
    const { candidates, excluded, heldUp } = this.#options;
    const found: LeftAlone[] = [];
    for (const [reason, ids] of excluded.byReason) {
      const still = { _id: { $in: ids as never[] }, ...waitingFor(this.#options.server.time) };
      found.push(...await this.#count(still, reason, known, maxTimeMS));
    }
    for (const { query, reason } of heldUp.stuck) {
      found.push(...await this.#count(query, reason, known, maxTimeMS));
    }
    const { unaddressable } = candidates;
    return unaddressable ? [...found, unaddressable] : found;
  }

  /** Counts the documents that are not in `known` yet, and adds them to it. Undefined if there are none. */
  async #count(
    query: Filter<Document>,
    reason: unknown,
    known: Set<string>,
    maxTimeMS: number,
  ): Promise<LeftAlone[]> {
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
    if (fresh.length === 0) return [];
    return [{ documents: fresh.length, isMore: found.length >= MAX_COUNTED, example: fresh[0]!.id, reason }];
  }
}

/** What a {@linkcode LeftAloneReader} needs. */
export interface LeftAloneOptions {
  clock: Clock;
  collection: Collection;
  filter: Filter<Document> | undefined;
  server: StoreServer;
  /** Bound of a query, in milliseconds. */
  maxTimeMS: number;
  /** Documents whose claim MongoDB refused. */
  excluded: ExcludedIds;
  /** Knows the documents that wait for others forever. */
  heldUp: Pick<HeldUpWatch, "look" | "stuck">;
  /** Knows the documents whose `_id` no claim can name. */
  candidates: Pick<CandidateReader, "unaddressable">;
}
