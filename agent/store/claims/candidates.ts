import type { Collection, Document, Filter } from "mongodb";
import type { LeftAlone } from "../../ports.ts";
import type { BusyKeys } from "./busy_keys.ts";
import { idBytes, NO_ROUND_TRIP, survivesRoundTrip } from "../documents/round_trip_id.ts";
import type { ScanStart } from "./scan_cursor.ts";
import { CLAIM_ORDER, claimable, type Kind, type SuspectKind } from "../queries.ts";
import { RawDocument } from "../documents/raw_document.ts";
import type { ExcludedIds } from "./excluded_ids.ts";
import { type RemainingLimit, withinBytes } from "./remaining_limit.ts";
import type { UntoldRefusals } from "./untold_refusals.ts";

/** What reading candidates needs. */
export interface CandidateOptions {
  collection: Collection;
  filter: Filter<Document> | undefined;
  /** Bound of a query, in milliseconds. */
  maxTimeMS: number;
  /** Documents whose claim MongoDB refused: they are passed over for a while. */
  refused: ExcludedIds;
  /** Takes documents that no claim can name, each once. */
  untold: UntoldRefusals;
  /** Documents that have to wait for others: they are left out, and of each key one is taken. */
  busy: BusyKeys;
}

/** Ids to claim, and, where they may be used as read, the documents themselves. */
export interface Candidates {
  ids: unknown[];
  asRead: RawDocument[] | undefined;
  hasMore: boolean;
}

/** By which name the size of a document is read: no field of the user's has it. */
const SIZE = "_pull size";

/** An `_id` as it was read, the size of its document, and what tells its key if claims wait for each other. */
class SizedId extends RawDocument {
  get size(): number {
    return this.peek()?.[SIZE];
  }
}

/** A suspect to claim, as far as its claim depends on it. */
export interface SuspectCandidate {
  kind: SuspectKind;
  raw: RawDocument;
}

/**
 * A reply ends at 16 MiB, and nothing in it says whether it was cut. One that holds less than this many bytes is
 * taken for whole: a huge document behind a few tiny ones waits for the next poll.
 */
const MAYBE_CUT_BYTES = 256 * 1024;

/** Documents that no claim can name: up to so many are read and dropped with the others; more are looked past by id. */
const MAX_READ_OVER = 16;
/** Suspects that are read at once: where one cannot be claimed, or another agent is faster, the next is tried. */
const MAX_SUSPECTS = 16;
/** Ids that are looked at in one go at the most, to get past those that no claim can name. */
const MAX_WINDOW = 10_000;
/** Ids that are remembered as reported, at the most; further ones are not reported. */
const MAX_REPORTED = 1000;

/** Kinds of documents that have their key of a unique index on what is in processing. */
const IN_PROCESSING: ReadonlySet<Kind | SuspectKind> = new Set(["expired_leases", "expired_suspects"]);

/** Reads what may be claimed. Documents whose claim the database refused are passed over. */
export class CandidateReader {
  readonly #options: CandidateOptions;
  readonly #reported = new Set<string>();
  /** How many of each kind the last reading met that no query can leave out, as none can name them. */
  readonly #nameless: Partial<Record<Kind, number>> = {};
  #namelessExample: unknown;

  constructor(options: CandidateOptions) {
    this.#options = options;
  }

  /** Candidates as whole documents: nothing needs to be read again where all of them can be claimed. */
  async whole(kind: Kind, limit: RemainingLimit, place: ScanStart): Promise<Candidates> {
    const { collection, maxTimeMS } = this.#options;
    const nameless = this.#nameless[kind] ?? 0;
    if (nameless > MAX_READ_OVER) return await this.ids(kind, limit, place);
    const count = limit.documents + nameless;
    // One reply alone: it ends at 16 MiB, which bounds the bytes without asking for sizes first.
    const found = await collection.find<Uint8Array>(this.#query(kind, place), {
      sort: CLAIM_ORDER,
      skip: place.skip ?? 0,
      limit: count,
      batchSize: count,
      singleBatch: true,
      raw: true,
      maxTimeMS,
    }).toArray();
    const fitting = withinBytes(found, (bytes) => bytes.length, limit)
      .map((bytes) => new RawDocument(bytes));
    const named = this.#named(kind, fitting);
    if (named.length === 0 && fitting.length > 0) {
      // Nothing but what cannot be claimed, which must not hide what is behind it.
      return await this.ids(kind, limit, place);
    }
    const documents = this.#options.busy.firstOfEach(named).slice(0, limit.documents);
    const totalBytes = found.reduce((sum, bytes) => sum + bytes.length, 0);
    return {
      ids: documents.map(({ id }) => id),
      // Only documents without any bookkeeping are as they were: the attempts of others may have changed meanwhile.
      asRead: documents.every(({ bookkeeping }) => bookkeeping === undefined) ? documents : undefined,
      hasMore: found.length >= count || fitting.length < found.length || totalBytes > MAYBE_CUT_BYTES ||
        documents.length < named.length,
    };
  }

  /** Candidates as ids, with sizes to bound the bytes. */
  async ids(kind: Kind, limit: RemainingLimit, place: ScanStart): Promise<Candidates> {
    let window = limit.documents + (this.#nameless[kind] ?? 0);
    let found = await this.#sizes(kind, window, place);
    let named = this.#named(kind, found);
    while (named.length === 0 && found.length >= window && window < MAX_WINDOW) {
      window = Math.min(2 * window, MAX_WINDOW);
      found = await this.#sizes(kind, window, place);
      named = this.#named(kind, found);
    }
    const each = this.#options.busy.firstOfEach(named);
    const fitting = withinBytes(each.slice(0, limit.documents), ({ size }) => size, limit);
    const hasMore = named.length > fitting.length || (named.length > 0 && found.length >= window);
    return { ids: fitting.map(({ id }) => id), asRead: undefined, hasMore };
  }

  async #sizes(kind: Kind, window: number, place: ScanStart): Promise<SizedId[]> {
    const { busy, collection, maxTimeMS } = this.#options;
    const key = Object.fromEntries(busy.fields.map((field) => [field, 1]));
    const found = await collection.find<Uint8Array>(this.#query(kind, place), {
      projection: { ...key, _id: 1, [SIZE]: { $bsonSize: "$$ROOT" } },
      sort: CLAIM_ORDER,
      skip: place.skip ?? 0,
      limit: window,
      batchSize: window,
      singleBatch: true,
      raw: true,
      maxTimeMS,
    }).toArray();
    return found.map((bytes) => new SizedId(bytes));
  }

  /** Of what was read, what a claim can name; the rest is to be told of. */
  #named<T extends RawDocument>(kind: Kind, found: T[]): T[] {
    const named = found.filter(survivesRoundTrip);
    this.#nameless[kind] = found.length - named.length;
    if (named.length === found.length) return named;
    const isNamed = new Set(named);
    const nameless = found.filter((raw) => !isNamed.has(raw));
    this.#namelessExample = nameless[0]!.id;
    this.#report(nameless);
    return named;
  }

  /** Documents that no claim can name, as the last readings met them. */
  get nameless(): LeftAlone | undefined {
    const documents = Object.values(this.#nameless).reduce((sum, count) => sum + count, 0);
    if (documents === 0) return undefined;
    return {
      documents,
      isMore: documents >= MAX_WINDOW,
      example: this.#namelessExample,
      reason: NO_ROUND_TRIP,
    };
  }

  #report(found: RawDocument[]): void {
    for (const raw of found) {
      const key = idBytes(raw);
      if (this.#reported.has(key) || this.#reported.size >= MAX_REPORTED) continue;
      this.#reported.add(key);
      this.#options.untold.add({ id: raw.id, error: NO_ROUND_TRIP });
    }
  }

  /**
   * A few suspects, if there are any; those of them that no claim can name are to be told of. In no order: an order would make the
   * server choose the wrong index.
   */
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
      const suspects = found.map((bytes) => ({ kind, raw: new RawDocument(bytes) }));
      const named = suspects.filter(({ raw }) => survivesRoundTrip(raw));
      this.#report(suspects.filter((each) => !named.includes(each)).map(({ raw }) => raw));
      if (named.length > 0) return named;
    }
    return [];
  }

  #query(kind: Kind | SuspectKind, { after, isAll = false }: ScanStart = {}): Filter<Document> {
    const query = claimable(kind, this.#options.filter);
    const refused = isAll ? [] : this.#options.refused.ids;
    const also: Filter<Document>[] = [];
    if (after !== undefined) also.push({ _id: { $gt: after as never } });
    if (refused.length > 0) also.push({ _id: { $nin: refused as never[] } });
    const { busy } = this.#options;
    const waiting = IN_PROCESSING.has(kind) ? busy.conditionsOfHolders : busy.conditions;
    if (waiting.length > 0) also.push({ $nor: waiting });
    return also.length === 0 ? query : { $and: [query, ...also] };
  }
}
