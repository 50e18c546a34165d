import type { Collection } from "mongodb";
import { OperationTimeoutError } from "../connection/operation_timeout.ts";
import { MongoLeasedDocument } from "../documents/leased_document.ts";
import { isRefused, isTransient } from "../mongo_errors.ts";
import type { Marked } from "./claim_writer.ts";
import { held } from "../queries.ts";
import { RawDocument } from "../documents/raw_document.ts";
import { release } from "../settlements.ts";
import type { ServerClock } from "../connection/server_clock.ts";

/** What a {@linkcode ClaimSender} needs. */
export interface ClaimSenderOptions {
  collection: Collection;
  clock: ServerClock;
  leaseMs: number;
  /** Bound of a query, in milliseconds. */
  maxTimeMS: number;
  /** Why no majority of the set can acknowledge writes now, if that is known. */
  withoutMajority?(): string | undefined;
}

/** A claim on its way. What it takes carries its token, whether its answer arrives or not. */
export interface SentClaim {
  readonly ids: readonly unknown[];
  readonly token: string;
  readonly sentAtMs: number;
  readonly isSuspect: boolean;
}

/** A claim on `ids` with a token of its own, to be sent now. */
export function newClaim(ids: readonly unknown[], isSuspect = false): SentClaim {
  return { ids, token: crypto.randomUUID(), sentAtMs: performance.now(), isSuspect };
}

/** Sends claims and reads what they took; one whose answer was lost is found again by its token. */
export class ClaimSender {
  readonly #options: ClaimSenderOptions;
  readonly #namespace: string;
  /** Claims whose answer did not arrive, or what they took was not read yet. */
  readonly #lost = new Set<SentClaim>();

  constructor(options: ClaimSenderOptions) {
    this.#options = options;
    this.#namespace = options.collection.namespace;
  }

  /**
   * Sends a claim of one write. Neither an `updateMany` nor its answer can be had again: until it is there, the claim
   * counts as lost. A write that is refused took nothing.
   */
  async send(claim: SentClaim, write: () => Promise<number>): Promise<number> {
    this.#lost.add(claim);
    try {
      const answer = await write();
      this.#lost.delete(claim);
      return answer;
    } catch (error) {
      if (isRefused(error)) this.#lost.delete(claim);
      throw error;
    }
  }

  /** Sends a claim on several documents. If it fails, it counts as lost: it may have marked some before. */
  async sendAll(claim: SentClaim, write: () => Promise<Marked>): Promise<Marked> {
    this.#lost.add(claim);
    const marked = await write();
    if (!marked.failure) this.#lost.delete(claim);
    return marked;
  }

  /** Whether there is a claim whose documents were not read yet. */
  get hasLost(): boolean {
    return this.#lost.size > 0;
  }

  /** Leaves what a claim took to {@linkcode recover}. */
  keep(claim: SentClaim): void {
    this.#lost.add(claim);
  }

  /** What carries the token. From the claim on these documents are ours: where this fails, {@linkcode recover} goes on. */
  async readBack(claim: SentClaim): Promise<MongoLeasedDocument[]> {
    const { collection, maxTimeMS } = this.#options;
    this.#lost.add(claim);
    const found = await collection.find<Uint8Array>(held(claim.ids, claim.token), {
      raw: true,
      maxTimeMS,
      hint: { _id: 1 },
      // A claim that a failover may still roll back must not be worked on.
      readConcern: { level: "majority" },
    }).toArray();
    this.#lost.delete(claim);
    return found.map((bytes) => {
      const raw = new RawDocument(bytes);
      return this.leased(raw, claim, raw.bookkeeping?.attempts ?? 1);
    });
  }

  /**
   * What claims took whose answers were lost, if there are such claims. One that is applied later still leaves leases
   * with nobody behind them: those expire.
   */
  async recover(): Promise<MongoLeasedDocument[]> {
    const documents: MongoLeasedDocument[] = [];
    for (const lost of [...this.#lost]) {
      try {
        documents.push(...await this.#recoverOne(lost));
      } catch (error) {
        // What was found before the failure is ours and must be worked on.
        if (documents.length === 0) throw error;
        break;
      }
    }
    return documents;
  }

  async #recoverOne(lost: SentClaim): Promise<MongoLeasedDocument[]> {
    if (performance.now() - lost.sentAtMs >= this.#options.leaseMs) {
      this.#lost.delete(lost);
      return [];
    }
    const documents = await this.#findAgain(lost);
    if (!lost.isSuspect) return documents;
    // A suspect must not run in company: it is claimed again when this agent holds nothing else.
    try {
      await release(documents, this.#options);
    } catch (error) {
      // It is handed back by the next call; one that is refused is not, and its lease runs out.
      if (isTransient(error)) this.#lost.add(lost);
      throw error;
    }
    return [];
  }

  /** The lease on a document that the claim took. */
  leased(raw: RawDocument, { token, sentAtMs, isSuspect }: SentClaim, attempt: number): MongoLeasedDocument {
    return new MongoLeasedDocument(raw, this.#namespace, { token, sentAtMs, attempt, isSuspect });
  }

  async #findAgain(lost: SentClaim): Promise<MongoLeasedDocument[]> {
    const { collection, maxTimeMS } = this.#options;
    const documents = await this.readBack(lost);
    this.#lost.add(lost);
    // Nobody waited for a majority to have the claim: what it took may only be on its way there.
    const there = await collection.countDocuments(held(lost.ids, lost.token), {
      hint: { _id: 1 },
      maxTimeMS,
    });
    if (there > documents.length) {
      // It passes: a Job must not end for it as for a claim that no wait mends.
      const why = this.#options.withoutMajority?.();
      throw new OperationTimeoutError(why ?? "A claim whose answer was lost is not yet known to a majority");
    }
    this.#lost.delete(lost);
    return documents;
  }
}
