import type { Collection, Document, Filter } from "mongodb";
import type { RefusedClaim } from "../ports.ts";
import { idBytes, isFaithful, UNFAITHFUL } from "./faithful_id.ts";
import type { Place } from "./lane.ts";
import { CLAIM_ORDER, claimable, type Kind, type SuspectKind, UNUSABLE_PENDING } from "./queries.ts";
import type { Bookkeeping } from "./bookkeeping.ts";
import { RawDocument } from "./raw_document.ts";
import { RefusedIds } from "./refused_ids.ts";
import { type Room, withinBytes } from "./room.ts";

/** What reading candidates needs. */
export interface CandidateOptions {
  collection: Collection;
  filter: Filter<Document> | undefined;
  /** Bound of a query, in milliseconds. */
  maxTimeMS: number;
}

/** Ids to claim, and, where they may be used as read, the documents themselves. */
export interface Candidates {
  ids: unknown[];
  asRead: RawDocument[] | undefined;
  more: boolean;
  /** Documents that no claim can name, each reported once. */
  refused: RefusedClaim[];
}

/** An `_id` as it was read, and the size of its document. */
class SizedId extends RawDocument {
  get size(): number {
    return this.read().size;
  }
}

/** A suspect to claim, with the bookkeeping its claim depends on. */
export interface SuspectCandidate {
  id: unknown;
  kind: SuspectKind;
  pull: Bookkeeping;
}

/**
 * A reply ends at 16 MiB, and nothing in it says whether it was cut. One that holds less than this many bytes is
 * taken for whole: a huge document behind a few tiny ones waits for the next poll.
 */
const MAYBE_CUT_BYTES = 256 * 1024;

/** Documents that no claim can name: up to so many are read and dropped with the others; more are looked past by id. */
const MAX_READ_OVER = 16;
/** Ids that are looked at in one go at the most, to get past those that no claim can name. */
const MAX_WINDOW = 10_000;
/** Ids that are remembered as reported, at the most; further ones are not reported. */
const MAX_REPORTED = 1000;

const NO_BOOKKEEPING =
  "Its field _pull is not the agent's (it is no embedded document): remove or rename the field";

/** Reads what may be claimed. Documents whose claim the database refused are passed over. */
export class CandidateReader {
  readonly #options: CandidateOptions;
  readonly #refused = new RefusedIds();
  readonly #reported = new Set<string>();
  /** How many of each kind the last reading met that no query can leave out, as none can name them. */
  readonly #nameless: Partial<Record<Kind, number>> = {};

  constructor(options: CandidateOptions) {
    this.#options = options;
  }

  /** Candidates as whole documents: nothing needs to be read again where all of them can be claimed. */
  async whole(kind: Kind, limit: Room, place: Place): Promise<Candidates> {
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
    const { named, refused } = this.#sorted(kind, fitting);
    if (named.length === 0 && fitting.length > 0) {
      // Nothing but what cannot be claimed, which must not hide what is behind it.
      const behind = await this.ids(kind, limit, place);
      return { ...behind, refused: [...refused, ...behind.refused] };
    }
    const documents = named.slice(0, limit.documents);
    const totalBytes = found.reduce((sum, bytes) => sum + bytes.length, 0);
    return {
      ids: documents.map(({ id }) => id),
      // Only documents without any bookkeeping are as they were: the attempts of others may have changed meanwhile.
      asRead: documents.every(({ bookkeeping }) => bookkeeping === undefined) ? documents : undefined,
      more: found.length >= count || fitting.length < found.length || totalBytes > MAYBE_CUT_BYTES,
      refused,
    };
  }

  /** Candidates as ids, with sizes to bound the bytes. */
  async ids(kind: Kind, limit: Room, place: Place): Promise<Candidates> {
    let window = limit.documents + (this.#nameless[kind] ?? 0);
    let found = await this.#sizes(kind, window, place);
    let { named, refused } = this.#sorted(kind, found);
    while (named.length === 0 && found.length >= window && window < MAX_WINDOW) {
      window = Math.min(2 * window, MAX_WINDOW);
      found = await this.#sizes(kind, window, place);
      const again = this.#sorted(kind, found);
      named = again.named;
      refused = [...refused, ...again.refused];
    }
    const fitting = withinBytes(named.slice(0, limit.documents), ({ size }) => size, limit);
    const more = named.length > fitting.length || (named.length > 0 && found.length >= window);
    return { ids: fitting.map(({ id }) => id), asRead: undefined, more, refused };
  }

  async #sizes(kind: Kind, window: number, place: Place): Promise<SizedId[]> {
    const { collection, maxTimeMS } = this.#options;
    const found = await collection.find<Uint8Array>(this.#query(kind, place), {
      projection: { _id: 1, size: { $bsonSize: "$$ROOT" } },
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

  /** Of what was read, what a claim can name. */
  #sorted<T extends RawDocument>(kind: Kind, found: T[]): { named: T[]; refused: RefusedClaim[] } {
    const named = found.filter(isFaithful);
    this.#nameless[kind] = found.length - named.length;
    if (named.length === found.length) return { named, refused: [] };
    const isNamed = new Set(named);
    return { named, refused: this.#unreported(found.filter((raw) => !isNamed.has(raw)), UNFAITHFUL) };
  }

  #unreported(found: RawDocument[], error: string): RefusedClaim[] {
    const refused: RefusedClaim[] = [];
    for (const raw of found) {
      const key = idBytes(raw);
      if (this.#reported.has(key) || this.#reported.size >= MAX_REPORTED) continue;
      this.#reported.add(key);
      refused.push({ id: raw.id, error });
    }
    return refused;
  }

  /** A suspect, if there is one. In no order: an order would make the server choose the wrong index. */
  async suspect(): Promise<SuspectCandidate | undefined> {
    const { collection, maxTimeMS } = this.#options;
    for (const kind of ["expired_suspects", "due_suspects"] as const) {
      const found = await collection.findOne(this.#query(kind), {
        projection: { "_pull.attempts": 1, "_pull.alone": 1 },
        maxTimeMS,
      });
      if (found) return { id: found._id, kind, pull: found._pull };
    }
    return undefined;
  }

  /** Documents with a `_pull` of the user's own, each reported once. */
  async unusable(): Promise<RefusedClaim[]> {
    const { collection, filter, maxTimeMS } = this.#options;
    const query = filter ? { $and: [UNUSABLE_PENDING, filter] } : UNUSABLE_PENDING;
    const found = await collection.find<Uint8Array>(query, {
      projection: { _id: 1 },
      limit: MAX_REPORTED,
      singleBatch: true,
      batchSize: MAX_REPORTED,
      raw: true,
      maxTimeMS,
    }).toArray();
    return this.#unreported(found.map((bytes) => new RawDocument(bytes)), NO_BOOKKEEPING);
  }

  /** Leaves a document out for a while: it would only be refused again, and hide those behind it. */
  passOver(id: unknown): void {
    this.#refused.add(id);
  }

  #query(kind: Kind | SuspectKind, { after }: Place = {}): Filter<Document> {
    const query = claimable(kind, this.#options.filter);
    const refused = this.#refused.ids;
    const also: Filter<Document>[] = [];
    if (after !== undefined) also.push({ _id: { $gt: after as never } });
    if (refused.length > 0) also.push({ _id: { $nin: refused as never[] } });
    return also.length === 0 ? query : { $and: [query, ...also] };
  }
}
