import type { Collection, Document, Filter } from "mongodb";
import type { LeftAlone } from "../../ports.ts";
import type { BusyKeys } from "./busy_keys.ts";
import type { ExcludedIds } from "./excluded_ids.ts";
import type { PickUps } from "./pick_ups.ts";
import { type RemainingLimit, withinBytes } from "./remaining_limit.ts";
import { type Bounds, unscheduledWithin } from "../ranges/new_documents.ts";
import type { ScanStart } from "./scan_cursor.ts";
import { UnaddressableIds } from "./unaddressable_ids.ts";
import type { StoreServer } from "../server/store_server.ts";
import type { UnreportedRefusals } from "./unreported_refusals.ts";
import { RawDocument } from "../documents/raw_document.ts";
import { CLAIM_ORDER, claimable, isTakeover, type Kind, type SuspectKind } from "../queries.ts";

/** Ids to claim, and the documents themselves if they may be used as they were read. */
export interface Candidates {
  ids: unknown[];
  /** What was read of each. */
  read: readonly RawDocument[];
  asRead: RawDocument[] | undefined;
  hasMore: boolean;
}

/** Where candidates are read. */
export interface ReadingPlace extends ScanStart {
  /** Documents within these bounds that are new, or that have bookkeeping without a time. */
  readonly within?: Bounds | "all";
}

/** The name under which the size of a document is read: no user has a field of this name. */
const SIZE = "_pull size";

/**
 * An `_id` as it was read, the size of its document, and, if claims wait for each other, the fields of its key. From a
 * server that tells no sizes it is the whole document.
 */
class SizedId extends RawDocument {
  get size(): number {
    return this.peek()?.[SIZE] ?? this.bytes.length;
  }
}

/** A suspect to claim, with the fields that its claim depends on. */
export interface SuspectCandidate {
  kind: SuspectKind;
  raw: RawDocument;
}

/**
 * A reply ends at 16 MiB, and does not tell that it was cut. A reply that holds less than this many bytes counts as
 * whole: a huge document behind a few tiny ones waits for the next poll.
 */
const MAYBE_CUT_BYTES = 256 * 1024;

/** If more unaddressable documents are expected than this, candidates are read by id rather than whole. */
const MAX_READ_OVER = 16;
/** Suspects that are read at once: if one cannot be claimed, or another agent is faster, the next one is tried. */
const MAX_SUSPECTS = 16;
/** Ids that one reading looks at, at most, to get past unaddressable ones. */
const MAX_WINDOW = 10_000;

/** Reads which documents may be claimed now. */
export class CandidateReader {
  readonly #options: CandidateOptions;
  readonly #unaddressable: UnaddressableIds;

  constructor(options: CandidateOptions) {
    this.#options = options;
    this.#unaddressable = new UnaddressableIds(options.unreported);
  }

  /** Candidates as whole documents: nothing needs to be read again if all of them can be claimed. */
  async whole(kind: Kind, limit: RemainingLimit, start: ReadingPlace): Promise<Candidates> {
    const { collection, maxTimeMS } = this.#options;
    const unaddressable = this.#unaddressable.expected(kind);
    if (unaddressable > MAX_READ_OVER) return await this.ids(kind, limit, start);
    const count = limit.documents + unaddressable;
    // Only one reply is read: it ends at 16 MiB, which bounds the bytes without a query for the sizes.
    const found = await collection.find<Uint8Array>(this.#query(kind, start), {
      sort: CLAIM_ORDER,
      skip: start.skip ?? 0,
      limit: count,
      batchSize: count,
      singleBatch: true,
      raw: true,
      maxTimeMS,
    }).toArray();
    const fitting = withinBytes(found, (bytes) => bytes.length, limit)
      .map((bytes) => new RawDocument(bytes));
    const addressable = this.#unaddressable.sift(kind, fitting);
    // If all that was read is unaddressable, it must not hide the documents behind it.
    if (addressable.length === 0 && fitting.length > 0) return await this.ids(kind, limit, start);
    const documents = this.#options.busy.firstOfEach(addressable).slice(0, limit.documents);
    const totalBytes = found.reduce((sum, bytes) => sum + bytes.length, 0);
    return {
      ids: documents.map(({ id }) => id),
      read: documents,
      // Only documents without bookkeeping are as they were read: the attempts of others may have changed meanwhile.
      asRead: documents.every(({ bookkeeping }) => bookkeeping === undefined) ? documents : undefined,
      hasMore: found.length >= count || fitting.length < found.length || totalBytes > MAYBE_CUT_BYTES ||
        documents.length < addressable.length,
    };
  }

  /** Candidates as ids, with sizes to bound the bytes. */
  async ids(kind: Kind, limit: RemainingLimit, start: ReadingPlace): Promise<Candidates> {
    let window = limit.documents + this.#unaddressable.expected(kind);
    let found = await this.#sizes(kind, window, start);
    let addressable = this.#unaddressable.sift(kind, found);
    while (addressable.length === 0 && found.length >= window && window < MAX_WINDOW) {
      window = Math.min(2 * window, MAX_WINDOW);
      found = await this.#sizes(kind, window, start);
      addressable = this.#unaddressable.sift(kind, found);
    }
    const firsts = this.#options.busy.firstOfEach(addressable);
    const fitting = withinBytes(firsts.slice(0, limit.documents), ({ size }) => size, limit);
    const hasMore = addressable.length > fitting.length ||
      (addressable.length > 0 && found.length >= window);
    return { ids: fitting.map(({ id }) => id), read: fitting, asRead: undefined, hasMore };
  }

  async #sizes(kind: Kind, window: number, start: ReadingPlace): Promise<SizedId[]> {
    const { busy, collection, maxTimeMS, pickUps, server: { abilities } } = this.#options;
    const key = Object.fromEntries(busy.fields.map((field) => [field, 1]));
    // No key has a field of the agent's own.
    if (start.within) key._pull = 1;
    else if (pickUps?.isWantedOf(kind)) key["_pull.visible_at"] = 1;
    const found = await collection.find<Uint8Array>(this.#query(kind, start), {
      // The reply ends at 16 MiB, whole documents or not.
      projection: abilities.lacks("bsonSize") ? {} : { ...key, _id: 1, [SIZE]: { $bsonSize: "$$ROOT" } },
      sort: CLAIM_ORDER,
      skip: start.skip ?? 0,
      limit: window,
      batchSize: window,
      singleBatch: true,
      raw: true,
      maxTimeMS,
    }).toArray();
    return found.map((bytes) => new SizedId(bytes));
  }

  /** Documents whose `_id` no claim can name, as the last readings found them. */
  get unaddressable(): LeftAlone | undefined {
    return this.#unaddressable.leftAlone(MAX_WINDOW);
  }

  /** The query for documents that are new, or that only look so, with any `_id`. */
  get unscheduled(): Filter<Document> {
    return this.#query("new_documents", { within: "all" });
  }

  /** A few suspects, if there are any. They are not sorted: with a sort the server would choose the wrong index. */
  async suspects(): Promise<SuspectCandidate[]> {
    const { collection, maxTimeMS } = this.#options;
    for (const kind of ["expired_suspects", "due_suspects"] as const) {
      const found = await collection.find<Uint8Array>(this.#query(kind), {
        projection: { "_pull.attempts": 1, "_pull.alone": 1, "_pull.takeovers": 1 },
        limit: MAX_SUSPECTS,
        batchSize: MAX_SUSPECTS,
        singleBatch: true,
        raw: true,
        maxTimeMS,
      }).toArray();
      const suspects = this.#unaddressable.siftSuspects(found.map((bytes) => new RawDocument(bytes)));
      if (suspects.length > 0) return suspects.map((raw) => ({ kind, raw }));
    }
    return [];
  }

  #query(kind: Kind | SuspectKind, place: ReadingPlace = {}): Filter<Document> {
    const { after, within, withExcluded = false } = place;
    const { filter, server } = this.#options;
    const query = within ? unscheduledWithin(within, filter) : claimable(kind, server.time, filter);
    const excluded = withExcluded ? [] : this.#options.excluded.ids;
    const also: Filter<Document>[] = [];
    if (after !== undefined) also.push({ _id: { $gt: after as never } });
    if (excluded.length > 0) also.push({ _id: { $nin: excluded as never[] } });
    const { busy } = this.#options;
    // Documents in processing have their key of a unique index already.
    const waiting = isTakeover(kind) ? busy.conditionsOfHolders : busy.conditions;
    if (waiting.length > 0) also.push({ $nor: waiting });
    return also.length === 0 ? query : { $and: [query, ...also] };
  }
}

/** What reading candidates needs. */
export interface CandidateOptions {
  collection: Collection;
  filter: Filter<Document> | undefined;
  server: StoreServer;
  /** Bound of a query, in milliseconds. */
  maxTimeMS: number;
  /** Documents whose claim MongoDB refused: no query reads them for a while. */
  excluded: ExcludedIds;
  /** Gets each document that no claim can name, once. */
  unreported: UnreportedRefusals;
  /** Documents that have to wait for others: they are left out, and one document of each key is taken. */
  busy: BusyKeys;
  /** Tells whether the times are wanted when candidates are due. */
  pickUps?: PickUps;
}
