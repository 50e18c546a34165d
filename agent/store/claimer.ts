import type { Claim, ClaimLimit, LeasedDocument, RefusedClaim } from "../ports.ts";
import { CandidateReader, type Candidates } from "./candidates.ts";
import { type ClaimWriterOptions, markClaimed, type Marked, markSuspect } from "./claim_writer.ts";
import { Lane, type Place } from "./lane.ts";
import { MongoLeasedDocument } from "./leased_document.ts";
import { isTransient } from "./mongo_errors.ts";
import { held, type Kind } from "./queries.ts";
import { RawDocument } from "./raw_document.ts";
import type { Room } from "./room.ts";
import { release } from "./settlements.ts";

/** What a {@linkcode Claimer} needs. */
export interface ClaimerOptions extends ClaimWriterOptions {
  /** Makes sure that the server's time is known. */
  syncClock(): Promise<void>;
  readBack: "contended" | "always";
  /** Bound of a query, in milliseconds. */
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

/** A claim whose answer did not arrive: what it took, if anything, carries its token. */
interface LostClaim {
  ids: readonly unknown[];
  token: string;
  sentAtMs: number;
  isSuspect: boolean;
}

/** Retries, expired leases and suspects are looked for at least this often while new documents keep coming, in milliseconds. */
const LOOK_MS = 1000;
/** Documents whose `_pull` is not the agent's are looked for this often, in milliseconds. */
const UNUSABLE_MS = 60_000;

/**
 * Claims documents in batches: read candidates, mark with a fresh token those that still match, and what carries the
 * token is ours. Three round trips a batch with the ack, however many documents it holds.
 */
export class Claimer {
  readonly #options: ClaimerOptions;
  readonly #candidates: CandidateReader;
  readonly #namespace: string;
  readonly #lanes: Record<Kind, Lane>;
  #lookedAtMs = -Infinity;
  #lookedForUnusableAtMs = -Infinity;
  #lost: LostClaim | undefined;

  constructor(options: ClaimerOptions) {
    this.#options = options;
    this.#candidates = new CandidateReader(options);
    const lane = (isById: boolean) =>
      new Lane({ isById, random: options.random ?? Math.random, nowMs: () => performance.now() });
    this.#lanes = { due_retries: lane(false), expired_leases: lane(false), new_documents: lane(true) };
    this.#namespace = options.collection.namespace;
  }

  /** Claims up to `limit`: due retries first, then expired leases, then new documents. Throws what the driver throws. */
  async claim(limit: ClaimLimit): Promise<Claim> {
    if (!this.#options.clock.isKnown) await this.#options.syncClock();
    const documents: LeasedDocument[] = [];
    const refused: RefusedClaim[] = [];
    let [room, bytes, more, takeovers, conflicts] = [limit.documents, limit.bytes, false, 0, 0];
    let suspects = false;
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
      const { kinds, isLook } = this.#kinds();
      // Looking for suspects must never keep other documents from being claimed.
      if (isLook) suspects = await this.#hasSuspects().catch(() => false);
      for (const kind of kinds) {
        if (room <= 0 || bytes <= 0) {
          more = true;
          break;
        }
        take(
          kind,
          await this.#take(kind, { documents: room, bytes, isEmpty: documents.length === 0 }, refused),
        );
      }
      if (!more && documents.length === 0) refused.push(...await this.#unusable());
      // Whoever is told that there is nothing must be able to rely on it.
      if (!isLook && documents.length === 0 && !more) suspects = await this.#hasSuspects();
    } catch (error) {
      // What was claimed before the failure is ours and must be worked on.
      if (documents.length === 0) throw error;
      more = true;
    }
    return { documents, more, takeovers, conflicts, refused, suspects };
  }

  async #hasSuspects(): Promise<boolean> {
    return await this.#candidates.suspect() !== undefined;
  }

  /** Looked for where all else is claimed, as they lie where new documents do: among many it would take long. */
  async #unusable(): Promise<RefusedClaim[]> {
    const now = performance.now();
    if (now - this.#lookedForUnusableAtMs < UNUSABLE_MS) return [];
    this.#lookedForUnusableAtMs = now;
    return await this.#candidates.unusable().catch(() => []);
  }

  /** Claims one suspect, for an agent that holds nothing else; undefined where there is none or others were faster. */
  async claimSuspect(): Promise<LeasedDocument | undefined> {
    if (!this.#options.clock.isKnown) await this.#options.syncClock();
    const candidate = await this.#candidates.suspect();
    if (!candidate) return undefined;
    const claim = {
      ids: [candidate.id],
      token: crypto.randomUUID(),
      sentAtMs: performance.now(),
      isSuspect: true,
    };
    const marked = await this.#sent(claim, () => markSuspect(candidate, claim.token, this.#options));
    return marked === 0 ? undefined : (await this.#readBack(claim))[0];
  }

  /**
   * What a claim took whose answer was lost, if there is such a claim. One that is applied later still leaves leases
   * with nobody behind them: those expire.
   */
  async recover(): Promise<MongoLeasedDocument[]> {
    const lost = this.#lost;
    if (!lost) return [];
    if (performance.now() - lost.sentAtMs >= this.#options.leaseMs) {
      this.#lost = undefined;
      return [];
    }
    const documents = await this.#findAgain(lost);
    if (!lost.isSuspect) return documents;
    // A suspect must not run in company: it is claimed again when this agent holds nothing else.
    await release(documents, this.#options);
    return [];
  }

  /**
   * The order of preference; but under a stream of new documents the rarer queries, which find nothing most of the
   * time, come first only once a second, and otherwise where new documents have left room.
   */
  #kinds(): { kinds: Kind[]; isLook: boolean } {
    const now = performance.now();
    const isLook = now - this.#lookedAtMs >= LOOK_MS;
    if (isLook) this.#lookedAtMs = now;
    const [rare, fresh] = [["due_retries", "expired_leases"] as Kind[], "new_documents" as Kind];
    return { kinds: isLook ? [...rare, fresh] : [fresh, ...rare], isLook };
  }

  async #take(kind: Kind, limit: Room, refused: RefusedClaim[]): Promise<Taken> {
    const lane = this.#lanes[kind];
    lane.begin();
    const read = () =>
      this.#read(kind, limit, lane.place, refused).catch((error) => {
        lane.failed();
        throw error;
      });
    let candidates = await read();
    while (candidates.ids.length === 0 && lane.isAway) {
      lane.foundNothing();
      candidates = await read();
    }
    const { ids, asRead } = candidates;
    // Away from the head of the order nobody can say that nothing is left.
    const more = candidates.more || lane.isAway;
    if (ids.length === 0) return { documents: [], more, conflicts: 0 };

    const claim = { ids, token: crypto.randomUUID(), sentAtMs: performance.now(), isSuspect: false };
    const marked: Marked = await this.#sent(claim, () => markClaimed(kind, ids, claim.token, this.#options));
    for (const { id, error } of marked.refused) {
      this.#candidates.passOver(id);
      refused.push({ id, error });
    }
    // Where some were refused, others may have been left for the next claim: nobody was faster there.
    const conflicts = marked.refused.length > 0 ? 0 : ids.length - marked.documents;
    lane.caught({ ids, conflicts, more: candidates.more });
    const taken = { more: more || marked.documents < ids.length, conflicts };
    if (marked.documents === 0) return { documents: [], ...taken };
    if (asRead && marked.documents === ids.length) {
      return { documents: asRead.map((raw) => this.#leased(raw, claim, 1)), ...taken };
    }
    return { documents: await this.#readBack(claim), ...taken };
  }

  async #read(kind: Kind, limit: Room, place: Place, refused: RefusedClaim[]): Promise<Candidates> {
    const isAsRead = kind === "new_documents" && this.#options.readBack === "contended";
    const candidates = await this.#candidates[isAsRead ? "whole" : "ids"](kind, limit, place);
    refused.push(...candidates.refused);
    return candidates;
  }

  /** Sends a claim. Neither an `updateMany` nor its answer can be had again: until it is there, the claim counts as lost. */
  async #sent<T>(claim: LostClaim, send: () => Promise<T>): Promise<T> {
    this.#lost = claim;
    try {
      const answer = await send();
      this.#lost = undefined;
      return answer;
    } catch (error) {
      if (!isTransient(error)) this.#lost = undefined;
      throw error;
    }
  }

  /** What carries the token. From the claim on these documents are ours: where this fails, {@linkcode recover} goes on. */
  async #readBack(claim: LostClaim): Promise<MongoLeasedDocument[]> {
    const { collection, maxTimeMS } = this.#options;
    this.#lost = claim;
    const found = await collection.find<Uint8Array>(held(claim.ids, claim.token), {
      raw: true,
      maxTimeMS,
      hint: { _id: 1 },
      // A claim that a failover may still roll back must not be worked on.
      readConcern: { level: "majority" },
    }).toArray();
    this.#lost = undefined;
    return found.map((bytes) => {
      const raw = new RawDocument(bytes);
      return this.#leased(raw, claim, raw.bookkeeping?.attempts ?? 1);
    });
  }

  async #findAgain(lost: LostClaim): Promise<MongoLeasedDocument[]> {
    const { collection, maxTimeMS } = this.#options;
    const documents = await this.#readBack(lost);
    this.#lost = lost;
    // Nobody waited for a majority to have the claim: what it took may only be on its way there.
    const there = await collection.countDocuments(held(lost.ids, lost.token), {
      hint: { _id: 1 },
      maxTimeMS,
    });
    if (there > documents.length) {
      throw new Error("A claim whose answer was lost is not yet known to a majority");
    }
    this.#lost = undefined;
    return documents;
  }

  #leased(raw: RawDocument, { token, sentAtMs, isSuspect }: LostClaim, attempt: number): MongoLeasedDocument {
    return new MongoLeasedDocument(raw, this.#namespace, { token, sentAtMs, attempt, isSuspect });
  }
}
