import type { Clock } from "../../lib/clock.ts";
import type { LeasedDocument } from "../../ports.ts";
import { OperationTimeoutError } from "../connection/operation_timeout.ts";
import { MongoLeasedDocument } from "../documents/leased_document.ts";
import { isRefused, isTransient } from "../mongo_errors.ts";
import type { SuspectCandidate } from "./candidates.ts";
import { type ClaimWriterOptions, markClaimed, type Marked, markSuspect } from "./claim_writer.ts";
import { type Kind, leasedBy } from "../queries.ts";
import { RawDocument } from "../documents/raw_document.ts";
import { release } from "../outcomes/ack_nack_release.ts";

/** A claim that is sent. The documents that it takes carry its token, even if its answer is lost. */
export interface SentClaim {
  readonly ids: readonly unknown[];
  readonly token: string;
  readonly sentAtMs: number;
  readonly isSuspect: boolean;
}

/**
 * Sends claims and finds out which documents they took. MongoDB answers a claim only with a count, and an answer that
 * is lost cannot be asked for again. So each claim is open from before it is sent until its documents are known:
 *
 * - sent: open. What it took is not known.
 * - refused, or answered with 0: closed. It took nothing.
 * - answered with a count: open until {@linkcode accept} or {@linkcode readBack} has the documents.
 * - no answer, or the reading failed: open until {@linkcode recover} finds the documents by the token, or until their
 *   leases have expired.
 */
export class ClaimSender {
  readonly #options: ClaimSenderOptions;
  readonly #namespace: string;
  readonly #open = new Set<SentClaim>();

  constructor(options: ClaimSenderOptions) {
    this.#options = options;
    this.#namespace = options.collection.namespace;
  }

  /** Whether a claim is open: {@linkcode recover} has to look for its documents first. */
  get hasOpen(): boolean {
    return this.#open.size > 0;
  }

  /** A claim on `ids` with a token of its own, to be sent now. */
  newClaim(ids: readonly unknown[], isSuspect = false): SentClaim {
    const sentAtMs = this.#options.clock.monotonicMs();
    return { ids, token: crypto.randomUUID(), sentAtMs, isSuspect };
  }

  /** Sends a claim on documents of one kind. It stays open if one of its writes fails: those before may have taken some. */
  async send(kind: Kind, claim: SentClaim): Promise<Marked> {
    this.#open.add(claim);
    const marked = await markClaimed(kind, claim.ids, claim.token, this.#options);
    if (!marked.failure && marked.documents === 0) this.#open.delete(claim);
    return marked;
  }

  /** Sends a claim on one suspect; returns 1 if it took it, otherwise 0. Throws what the driver throws. */
  async sendSuspect(suspect: SuspectCandidate, claim: SentClaim): Promise<number> {
    this.#open.add(claim);
    try {
      const documents = await markSuspect(suspect, claim.token, this.#options);
      if (documents === 0) this.#open.delete(claim);
      return documents;
    } catch (error) {
      if (isRefused(error)) this.#open.delete(claim);
      throw error;
    }
  }

  /** The documents of a claim that took all of `candidates`, which had no bookkeeping before: nothing is read again. */
  accept(claim: SentClaim, candidates: readonly RawDocument[]): MongoLeasedDocument[] {
    this.#open.delete(claim);
    return candidates.map((raw) => this.#leased(raw, claim, 1));
  }

  /** Reads the documents that carry the claim's token. Throws what the driver throws. */
  async readBack(claim: SentClaim): Promise<MongoLeasedDocument[]> {
    const documents = await this.#read(claim);
    this.#open.delete(claim);
    return documents;
  }

  /**
   * The documents of open claims. If a claim is applied even later, no agent knows its leases: they expire.
   *
   * @throws What the driver throws, if nothing was found before.
   */
  async recover(): Promise<MongoLeasedDocument[]> {
    const documents: MongoLeasedDocument[] = [];
    for (const claim of [...this.#open]) {
      try {
        documents.push(...await this.#recoverOne(claim));
      } catch (error) {
        // The agent holds what was found before the failure, and must work on it.
        if (documents.length === 0) throw error;
        break;
      }
    }
    return documents;
  }

  async #recoverOne(claim: SentClaim): Promise<MongoLeasedDocument[]> {
    const { clock, leaseMs } = this.#options;
    if (clock.monotonicMs() - claim.sentAtMs >= leaseMs) {
      this.#open.delete(claim);
      return [];
    }
    const documents = await this.#findAgain(claim);
    if (claim.isSuspect) await this.#release(documents, claim);
    this.#open.delete(claim);
    return claim.isSuspect ? [] : documents;
  }

  /** A suspect must not run beside other documents: it is claimed again when this agent holds nothing else. */
  async #release(suspects: readonly LeasedDocument[], claim: SentClaim): Promise<void> {
    try {
      await release(suspects, this.#options);
    } catch (error) {
      // Only a refusal is final: then the lease runs out. After any other failure the next call releases it.
      if (!isTransient(error)) this.#open.delete(claim);
      throw error;
    }
  }

  async #findAgain(claim: SentClaim): Promise<MongoLeasedDocument[]> {
    const { collection, maxTimeMS } = this.#options;
    const documents = await this.#read(claim);
    // No answer has confirmed the claim, so a majority may not have it yet.
    const taken = await collection.countDocuments(leasedBy(claim.ids, claim.token), {
      hint: { _id: 1 },
      maxTimeMS,
    });
    if (taken > documents.length) {
      // This error passes by itself: it must not end a Job as a lasting error of a claim does.
      const why = this.#options.withoutMajority?.();
      throw new OperationTimeoutError(why ?? "A claim whose answer was lost is not yet known to a majority");
    }
    return documents;
  }

  async #read(claim: SentClaim): Promise<MongoLeasedDocument[]> {
    const { collection, maxTimeMS } = this.#options;
    const found = await collection.find<Uint8Array>(leasedBy(claim.ids, claim.token), {
      raw: true,
      maxTimeMS,
      hint: { _id: 1 },
      // A claim that a failover may still roll back must not be worked on.
      readConcern: { level: "majority" },
    }).toArray();
    return found.map((bytes) => {
      const raw = new RawDocument(bytes);
      return this.#leased(raw, claim, raw.bookkeeping?.attempts ?? 1);
    });
  }

  #leased(raw: RawDocument, { token, sentAtMs, isSuspect }: SentClaim, attempt: number): MongoLeasedDocument {
    return new MongoLeasedDocument(raw, this.#namespace, { token, sentAtMs, attempt, isSuspect });
  }
}

/** What a {@linkcode ClaimSender} needs. */
export interface ClaimSenderOptions extends ClaimWriterOptions {
  clock: Clock;
  /** Bound of a query, in milliseconds. */
  maxTimeMS: number;
  /** The server gives up a grouped write after this long, in milliseconds, because documents may be locked. */
  writeLimitMs: number;
  /** Why no majority of the set can acknowledge writes now, if that is known. */
  withoutMajority?(): string | undefined;
}
