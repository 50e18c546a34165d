import type { RunCheckpoints } from "../../leases/run_checkpoints.ts";
import type { Checkpoint, Document, LeasedDocument, Suspect, Verdict } from "../../ports.ts";
import { EXPIRIES_ALONE } from "../queries.ts";
import type { HeldRange } from "../ranges/held_range.ts";
import type { RawDocument } from "./raw_document.ts";

/** The lease on a document. */
export interface Lease {
  token: string;
  /** By the monotonic clock: when the claim was sent. */
  sentAtMs: number;
  /** The number of this run. */
  attempt: number;
  isSuspect: boolean;
  /** Set if the lease is that of a range: the document itself carries none. */
  range?: HeldRange;
}

/** A document of MongoDB's with the lease this agent holds on it. */
export class MongoLeasedDocument implements LeasedDocument {
  readonly id: unknown;
  readonly token: string;
  readonly attempt: number;
  readonly snoozes: number;
  readonly sizeBytes: number;
  readonly suspect: Suspect | undefined;
  readonly wasTakenOver: boolean;
  readonly deadLetterReason: string | undefined;
  readonly verdict: Verdict | undefined;
  readonly raw: RawDocument;
  checkpoints: RunCheckpoints | undefined;
  traceNote: object | undefined;
  #range: HeldRange | undefined;
  readonly #namespace: string;
  #leasedAtMs: number;

  constructor(raw: RawDocument, namespace: string, lease: Lease) {
    const { alone = 0, dead_at: deadAt, snoozes = 0, takeovers = 0 } = raw.bookkeeping ?? {};
    this.id = raw.id;
    this.token = lease.token;
    this.attempt = lease.attempt;
    this.snoozes = Number.isFinite(snoozes) ? snoozes : 0;
    this.sizeBytes = raw.bytes.length;
    this.suspect = lease.isSuspect ? { expiriesAlone: alone } : undefined;
    this.wasTakenOver = takeovers !== 0;
    this.deadLetterReason = alone >= EXPIRIES_ALONE
      ? `The agent's process ended or froze ${alone} times while it processed this document alone`
      : raw.unreadable;
    this.verdict = deadAt ? { deadAt, ...raw.failure() } : undefined;
    this.#leasedAtMs = lease.sentAtMs;
    this.#range = lease.range;
    this.raw = raw;
    this.#namespace = namespace;
  }

  /** The range that the document is new in; undefined if it carries its own lease, or has an outcome. */
  get range(): HeldRange | undefined {
    return this.#range;
  }

  /** A write on the document was answered: it is not new any more. */
  leftRange(): void {
    this.#range?.left(this);
    this.#range = undefined;
  }

  get saved(): Checkpoint | undefined {
    return this.raw.saved();
  }

  get leasedAtMs(): number {
    return this.#leasedAtMs;
  }

  leaseRenewed(sentAtMs: number): void {
    this.#leasedAtMs = sentAtMs;
  }

  get idempotencyKey(): string {
    return `${this.#namespace}:${this.raw.canonicalId()}`;
  }

  shortText(field: string, maxBytes: number): string | undefined {
    return this.raw.shortText(field, maxBytes);
  }

  read(): Document {
    return this.raw.read();
  }
}
