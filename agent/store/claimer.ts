import type { Collection, Document, Filter, UpdateFilter } from "mongodb";
import type { Claim, ClaimLimit, LeasedDocument } from "../ports.ts";
import { errorText } from "../errors.ts";
import { formatId } from "./format_id.ts";
import { isRefused, isTransient } from "./mongo_errors.ts";
import { MongoLeasedDocument } from "./leased_document.ts";
import { CLAIM_ORDER, claimable, held, type Kind } from "./queries.ts";
import { RawDocument } from "./raw_document.ts";
import { RefusedIds } from "./refused_ids.ts";
import { type Room, withinBytes } from "./room.ts";
import type { ServerClock } from "./server_clock.ts";

/** What a {@linkcode Claimer} needs. */
export interface ClaimerOptions {
  collection: Collection;
  clock: ServerClock;
  /** Makes sure that the server's time is known. */
  syncClock(): Promise<void>;
  owner: string;
  leaseMs: number;
  filter: Filter<Document> | undefined;
  readBack: "contended" | "always";
  /** Bounds of single operations, in milliseconds. */
  maxTimeMS: number;
  random?: () => number;
}

/** What one kind of documents brought. */
interface Taken {
  documents: MongoLeasedDocument[];
  /** There may be more of the kind. */
  more: boolean;
  conflicts: number;
}

/** Ids to claim, and, where they may be used as read, the documents themselves. */
interface Candidates {
  ids: unknown[];
  asRead: RawDocument[] | undefined;
  more: boolean;
}

/** A claim whose answer did not arrive: what it took, if anything, carries its token. */
interface LostClaim {
  ids: unknown[];
  token: string;
  sentAtMs: number;
}

/** Retries and expired leases are looked for at least this often while new documents keep coming, in milliseconds. */
const LOOK_MS = 1000;
/** Under contention candidates are drawn from a window this many times as wide as the batch. */
const WINDOW = 4;
/** Claims without a conflict after which contention counts as over. */
const CALM_CLAIMS = 5;
/**
 * A reply ends at 16 MiB, and nothing in it says whether it was cut. One that holds less than this many bytes is
 * taken for whole: a huge document behind a few tiny ones waits for the next poll.
 */
const MAYBE_CUT_BYTES = 256 * 1024;

/**
 * Claims documents in batches: read candidates, mark with a fresh token those that still match, and what carries the
 * token is ours. Three round trips a batch with the ack, however many documents it holds.
 */
export class Claimer {
  readonly #options: ClaimerOptions;
  readonly #namespace: string;
  readonly #random: () => number;
  #lookedAtMs = -Infinity;
  #contention = 0;
  #lost: LostClaim | undefined;
  readonly #refused = new RefusedIds();

  constructor(options: ClaimerOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
    this.#namespace = options.collection.namespace;
  }

  /** Claims up to `limit`: due retries first, then expired leases, then new documents. Throws what the driver throws. */
  async claim(limit: ClaimLimit): Promise<Claim> {
    if (!this.#options.clock.isKnown) await this.#options.syncClock();
    const documents: LeasedDocument[] = [];
    let [room, bytes, more, takeovers, conflicts] = [limit.documents, limit.bytes, false, 0, 0];
    const take = (kind: Kind, taken: Taken) => {
      documents.push(...taken.documents);
      room -= taken.documents.length;
      for (const { sizeBytes } of taken.documents) bytes -= sizeBytes;
      if (kind === "expired_leases") takeovers += taken.documents.length;
      more ||= taken.more;
      conflicts += taken.conflicts;
    };

    try {
      const recovered = await this.recover();
      if (recovered.length > 0) take("new_documents", { documents: recovered, more: true, conflicts: 0 });
      for (const kind of this.#kinds()) {
        if (room <= 0 || bytes <= 0) {
          more = true;
          break;
        }
        take(kind, await this.#take(kind, { documents: room, bytes, isEmpty: documents.length === 0 }));
      }
    } catch (error) {
      // What was claimed before the failure is ours and must be worked on.
      if (documents.length === 0) throw error;
      more = true;
    }
    return { documents, more, takeovers, conflicts };
  }

  /**
   * The order of preference; but under a stream of new documents the two rarer queries, which find nothing most of the
   * time, come first only once a second, and otherwise where new documents have left room.
   */
  #kinds(): Kind[] {
    const now = performance.now();
    if (now - this.#lookedAtMs < LOOK_MS) return ["new_documents", "due_retries", "expired_leases"];
    this.#lookedAtMs = now;
    return ["due_retries", "expired_leases", "new_documents"];
  }

  async #take(kind: Kind, limit: Room): Promise<Taken> {
    const contended = this.#contention > 0;
    const asReadWanted = kind === "new_documents" && !contended && this.#options.readBack === "contended";
    const candidates = asReadWanted
      ? await this.#readWhole(kind, limit)
      : await this.#readIds(kind, limit, contended);
    if (candidates.ids.length === 0) return { documents: [], more: candidates.more, conflicts: 0 };

    const token = crypto.randomUUID();
    const sentAtMs = performance.now();
    const claimed = await this.#mark(kind, candidates.ids, token, sentAtMs);
    const conflicts = candidates.ids.length - claimed;
    this.#contention = conflicts > 0 ? CALM_CLAIMS : Math.max(0, this.#contention - 1);

    const more = candidates.more || conflicts > 0;
    if (claimed === 0) return { documents: [], more, conflicts };
    if (candidates.asRead && conflicts === 0) {
      const documents = candidates.asRead.map((raw) => this.#leased(raw, token, sentAtMs, 1));
      return { documents, more, conflicts };
    }
    // From here on the documents are ours: an answer that gets lost is found again by the token.
    this.#lost = { ids: candidates.ids, token, sentAtMs };
    const documents = await this.#readBack(this.#lost);
    this.#lost = undefined;
    return { documents, more, conflicts };
  }

  /** Candidates as whole documents: nothing needs to be read again where all of them can be claimed. */
  async #readWhole(kind: Kind, limit: Room): Promise<Candidates> {
    const { collection, maxTimeMS } = this.#options;
    // One reply alone: it ends at 16 MiB, which bounds the bytes without asking for sizes first.
    const found = await collection.find<Uint8Array>(this.#candidates(kind), {
      sort: CLAIM_ORDER,
      limit: limit.documents,
      batchSize: limit.documents,
      singleBatch: true,
      raw: true,
      maxTimeMS,
    }).toArray();
    const fitting = withinBytes(found, (bytes) => bytes.length, limit).map((bytes) => new RawDocument(bytes));
    const totalBytes = found.reduce((sum, bytes) => sum + bytes.length, 0);
    return {
      ids: fitting.map(({ id }) => id),
      // Only documents without any bookkeeping are as they were: the attempts of others may have changed meanwhile.
      asRead: fitting.every(({ bookkeeping }) => bookkeeping === undefined) ? fitting : undefined,
      more: found.length >= limit.documents || fitting.length < found.length || totalBytes > MAYBE_CUT_BYTES,
    };
  }

  /** Candidates as ids and sizes; under contention a random slice of a wider window, so that claimers spread out. */
  async #readIds(kind: Kind, limit: Room, contended: boolean): Promise<Candidates> {
    const { collection, maxTimeMS } = this.#options;
    const window = contended ? limit.documents * WINDOW : limit.documents;
    const found = await collection.find<{ _id: unknown; size: number }>(this.#candidates(kind), {
      projection: { _id: 1, size: { $bsonSize: "$$ROOT" } },
      sort: CLAIM_ORDER,
      limit: window,
      batchSize: window,
      singleBatch: true,
      maxTimeMS,
    }).toArray();
    const from = Math.floor(this.#random() * Math.max(0, found.length - limit.documents + 1));
    const slice = withinBytes(found.slice(from, from + limit.documents), ({ size }) => size, limit);
    const more = found.length > slice.length || found.length >= window;
    return { ids: slice.map(({ _id }) => _id), asRead: undefined, more };
  }

  #candidates(kind: Kind): Filter<Document> {
    const query = claimable(kind, this.#options.filter);
    const refused = this.#refused.ids;
    return refused.length === 0 ? query : { $and: [query, { _id: { $nin: refused } } as Filter<Document>] };
  }

  /** Writes the claim on those of `ids` that still match; returns how many did. */
  async #mark(kind: Kind, ids: unknown[], token: string, sentAtMs: number): Promise<number> {
    const { clock, collection, filter, leaseMs, owner } = this.#options;
    const query = { $and: [{ _id: { $in: ids } } as Filter<Document>, claimable(kind, filter)] };
    const lease = { "_pull.token": token, "_pull.owner": owner, "_pull.visible_at": clock.now(leaseMs) };
    // A takeover inherits the attempt of the lease that expired: a crash in company costs nobody an attempt.
    const count = kind === "expired_leases" ? { "_pull.takeovers": 1 } : { "_pull.attempts": 1 };
    const update: UpdateFilter<Document> = { $set: { status: "processing", ...lease }, $inc: count };
    try {
      // The hint keeps the planner from walking the whole backlog for a hundred ids.
      const { matchedCount } = await collection.updateMany(query, update, { hint: { _id: 1 } });
      return matchedCount;
    } catch (error) {
      // An updateMany is not retryable: it may have been applied although its answer got lost.
      if (isTransient(error)) this.#lost = { ids, token, sentAtMs };
      if (!isRefused(error)) throw error;
      // It marked documents until it came to one that cannot be: those before are ours.
      this.#lost = { ids, token, sentAtMs };
      const refused = await this.#isolate(query, update, ids);
      const shown = refused.slice(0, 10).map(formatId).join(", ");
      throw new Error(
        `Cannot claim ${refused.length} of ${ids.length} documents (${shown}): ${errorText(error)}`,
      );
    }
  }

  /** Marks all but those that MongoDB refuses to have marked, halving the ids; returns and remembers the refused. */
  async #isolate(
    query: Filter<Document>,
    update: UpdateFilter<Document>,
    ids: unknown[],
  ): Promise<unknown[]> {
    if (ids.length === 1) {
      this.#refused.add(ids[0]);
      return ids;
    }
    const refused: unknown[] = [];
    const middle = ids.length >> 1;
    for (const half of [ids.slice(0, middle), ids.slice(middle)]) {
      try {
        const part = { $and: [{ _id: { $in: half } } as Filter<Document>, query] };
        await this.#options.collection.updateMany(part, update, { hint: { _id: 1 } });
      } catch (error) {
        if (!isRefused(error)) throw error;
        refused.push(...await this.#isolate(query, update, half));
      }
    }
    return refused;
  }

  async #readBack({ ids, token, sentAtMs }: LostClaim): Promise<MongoLeasedDocument[]> {
    const { collection, maxTimeMS } = this.#options;
    const found = await collection.find<Uint8Array>(held(ids, token), {
      raw: true,
      maxTimeMS,
      hint: { _id: 1 },
      // A claim that a failover may still roll back must not be worked on.
      readConcern: { level: "majority" },
    }).toArray();
    return found.map((bytes) => {
      const raw = new RawDocument(bytes);
      return this.#leased(raw, token, sentAtMs, raw.bookkeeping?.attempts ?? 1);
    });
  }

  /**
   * What a claim took whose answer was lost, if there is such a claim. One that is applied later still leaves leases
   * with nobody behind them: those expire.
   */
  async recover(): Promise<MongoLeasedDocument[]> {
    const lost = this.#lost;
    if (!lost) return [];
    const documents = performance.now() - lost.sentAtMs < this.#options.leaseMs
      ? await this.#findAgain(lost)
      : [];
    this.#lost = undefined;
    return documents;
  }

  async #findAgain(lost: LostClaim): Promise<MongoLeasedDocument[]> {
    const { collection, maxTimeMS } = this.#options;
    const documents = await this.#readBack(lost);
    // Nobody waited for a majority to have the claim: what it took may only be on its way there.
    const there = await collection.countDocuments(held(lost.ids, lost.token), {
      hint: { _id: 1 },
      maxTimeMS,
    });
    if (there > documents.length) {
      throw new Error("A claim whose answer was lost is not yet known to a majority");
    }
    return documents;
  }

  #leased(raw: RawDocument, token: string, sentAtMs: number, attempt: number): MongoLeasedDocument {
    return new MongoLeasedDocument(raw, this.#namespace, { token, sentAtMs, attempt });
  }
}
