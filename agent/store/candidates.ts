import type { Collection, Document, Filter } from "mongodb";
import { CLAIM_ORDER, claimable, type Kind, type SuspectKind } from "./queries.ts";
import { type Bookkeeping, RawDocument } from "./raw_document.ts";
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
}

/** A suspect to claim, with the bookkeeping its claim depends on. */
export interface SuspectCandidate {
  id: unknown;
  kind: SuspectKind;
  pull: Bookkeeping;
}

/** Under contention candidates are drawn from a window this many times as wide as the batch. */
const WINDOW = 4;
/**
 * A reply ends at 16 MiB, and nothing in it says whether it was cut. One that holds less than this many bytes is
 * taken for whole: a huge document behind a few tiny ones waits for the next poll.
 */
const MAYBE_CUT_BYTES = 256 * 1024;

/** Reads what may be claimed. Documents whose claim the database refused are passed over. */
export class CandidateReader {
  readonly #options: CandidateOptions;
  readonly #refused = new RefusedIds();

  constructor(options: CandidateOptions) {
    this.#options = options;
  }

  /** Candidates as whole documents: nothing needs to be read again where all of them can be claimed. */
  async whole(kind: Kind, limit: Room): Promise<Candidates> {
    const { collection, maxTimeMS } = this.#options;
    // One reply alone: it ends at 16 MiB, which bounds the bytes without asking for sizes first.
    const found = await collection.find<Uint8Array>(this.#query(kind), {
      sort: CLAIM_ORDER,
      limit: limit.documents,
      batchSize: limit.documents,
      singleBatch: true,
      raw: true,
      maxTimeMS,
    }).toArray();
    const fitting = withinBytes(found, (bytes) => bytes.length, limit)
      .map((bytes) => new RawDocument(bytes));
    const totalBytes = found.reduce((sum, bytes) => sum + bytes.length, 0);
    return {
      ids: fitting.map(({ id }) => id),
      // Only documents without any bookkeeping are as they were: the attempts of others may have changed meanwhile.
      asRead: fitting.every(({ bookkeeping }) => bookkeeping === undefined) ? fitting : undefined,
      more: found.length >= limit.documents || fitting.length < found.length || totalBytes > MAYBE_CUT_BYTES,
    };
  }

  /** Candidates as ids, with sizes to bound the bytes; where `spread`, a random slice of a wider window. */
  async ids(kind: Kind, limit: Room, spread: (() => number) | undefined): Promise<Candidates> {
    const { collection, maxTimeMS } = this.#options;
    const window = spread ? limit.documents * WINDOW : limit.documents;
    const found = await collection.find<{ _id: unknown; size: number }>(this.#query(kind), {
      projection: { _id: 1, size: { $bsonSize: "$$ROOT" } },
      sort: CLAIM_ORDER,
      limit: window,
      batchSize: window,
      singleBatch: true,
      maxTimeMS,
    }).toArray();
    const from = Math.floor((spread?.() ?? 0) * Math.max(0, found.length - limit.documents + 1));
    const slice = withinBytes(found.slice(from, from + limit.documents), ({ size }) => size, limit);
    const more = found.length > slice.length || found.length >= window;
    return { ids: slice.map(({ _id }) => _id), asRead: undefined, more };
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

  /** Leaves a document out for a while: it would only be refused again, and hide those behind it. */
  passOver(id: unknown): void {
    this.#refused.add(id);
  }

  #query(kind: Kind | SuspectKind): Filter<Document> {
    const query = claimable(kind, this.#options.filter);
    const refused = this.#refused.ids;
    return refused.length === 0 ? query : { $and: [query, { _id: { $nin: refused as never[] } }] };
  }
}
