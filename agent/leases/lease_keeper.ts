import type { Clock } from "../lib/clock.ts";
import { doneBy } from "../lib/deadline.ts";
import { LeaseLostError } from "../errors.ts";
import type { Events } from "../events.ts";
import { loseCanceled } from "./cancel_watch.ts";
import type { Held, Ledger } from "./ledger.ts";
import { safeUntilMs } from "./safe_until.ts";
import { RefusedWritesError, UnansweredWritesError } from "../partial_writes.ts";
import type { CheckpointSaver, DocumentStore, LeasedDocument } from "../ports.ts";

/** Renewals of a lease before it would end. */
const RENEWALS_PER_LEASE = 3;

/** At most one write of checkpoints begins in this time, in milliseconds. */
const SAVE_EVERY_MS = 1000;
/**
 * After a lost lease this much time is spent on why, in milliseconds: its document may run in another agent already, so
 * its handler is aborted soon, even if MongoDB does not answer.
 */
const WHY_LOST_MS = 250;
/** A checkpoint waits this long for those of other documents, in milliseconds. */
const SAVE_LINGER_MS = 20;

/**
 * Renews the lease of everything the agent holds, every third of its duration, through pause and drain. Aborts the
 * handler of a document whose lease could not be kept.
 *
 * Checkpoints are written with renewals: a new one brings the renewal of its document forward. All that wait go into one
 * write, and such writes keep their distance, however many checkpoints there are.
 */
export class LeaseKeeper implements CheckpointSaver {
  readonly #options: LeaseKeeperOptions;
  #renewing = false;
  #cancel: (() => void) | undefined;
  #isStopped = false;
  /** Takes back the write of checkpoints that is to come; undefined if none waits for it. */
  #cancelSave: (() => void) | undefined;
  /** By the monotonic clock: when checkpoints were written last. */
  #savedAtMs = -Infinity;

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
  }

  /** Starts to keep the leases. */
  start(): void {
    const { clock, leaseMs } = this.#options;
    // Ticks are more frequent than renewals: leases are of different ages, and a failed renewal has to be retried.
    const tickMs = leaseMs / (RENEWALS_PER_LEASE * 4);
    const tick = () => {
      this.#abortOverdue();
      this.#cancel = clock.after(Math.min(tickMs, this.#nextOverdueInMs()), tick);
      this.renewDue();
    };
    this.#cancel = clock.after(tickMs, tick);
  }

  /** Stops keeping the leases: from here on they run out. */
  stop(): void {
    this.#isStopped = true;
    this.#cancel?.();
    this.#cancel = undefined;
    this.#cancelSave?.();
  }

  /** Writes the last checkpoint of each document that has a new one, soon. */
  saveSoon(): void {
    if (this.#isStopped || this.#cancelSave) return;
    const { clock } = this.#options;
    const waitMs = Math.max(SAVE_LINGER_MS, this.#savedAtMs + SAVE_EVERY_MS - clock.monotonicMs());
    this.#cancelSave = clock.after(waitMs, () => {
      this.#cancelSave = undefined;
      this.#renewDue({ isSaveDue: true });
    });
  }

  /** Renews the leases that are due, but for those of documents that are being written. */
  renewDue(): void {
    void this.#renewDue();
  }

  async #renewDue({ isSaveDue = false } = {}): Promise<void> {
    const { clock, events, ledger, leaseMs, store } = this.#options;
    if (this.#renewing || this.#isStopped) return;
    const nowMs = clock.monotonicMs();
    const dueMs = nowMs - leaseMs / RENEWALS_PER_LEASE;
    const withSaves = isSaveDue || nowMs - this.#savedAtMs >= SAVE_EVERY_MS;
    const due = ledger.all().filter(({ document, isWriting }) =>
      !isWriting && (document.leasedAtMs <= dueMs || (withSaves && hasCheckpoint(document)))
    );
    if (due.length === 0) return;
    this.#renewing = true;
    if (due.some(({ document }) => hasCheckpoint(document))) this.#savedAtMs = nowMs;
    try {
      const lost = new Set(await store.renew(due.map(({ document }) => document)));
      await this.#lose(due.filter((held) => lost.has(held.document)));
      // Made while this write was under way. After a failure the next tick is soon enough.
      if (ledger.all().some(({ document }) => hasCheckpoint(document))) this.saveSoon();
    } catch (error) {
      events.emit({ type: "renew_failed", ...failureOf(error, due.length) });
    } finally {
      this.#renewing = false;
    }
  }

  async #lose(lost: readonly Held[]): Promise<void> {
    const { clock, events, ledger } = this.#options;
    if (lost.length > 0) await doneBy(loseCanceled(lost, this.#options), { clock, limitMs: WHY_LOST_MS });
    // A document that was settled while the renewal was under way has no lease any more because this agent has ended
    // it.
    const ours = lost.filter((held) => ledger.has(held) && held.state !== "settling");
    if (ours.length === 0) return;
    for (const held of ours) {
      ledger.remove(held);
      held.abort.abort(new LeaseLostError("The document's lease is no longer ours"));
    }
    events.emit({
      type: "lease_lost",
      documents: ours.length,
      ids: ours.map((h) => h.document.id),
      during: "renew",
    });
  }

  #abortOverdue(): void {
    const { clock, leaseMs, ledger } = this.#options;
    const nowMs = clock.monotonicMs();
    for (const held of ledger.all()) {
      if (held.state !== "running" || held.abort.aborted) continue;
      if (safeUntilMs(held.document, leaseMs) > nowMs) continue;
      held.abort.abort(new LeaseLostError("The document's lease could not be renewed in time"));
    }
  }

  /**
   * When the next lease is overdue unless it is renewed before. Its handler is aborted then, and not at some later
   * tick.
   */
  #nextOverdueInMs(): number {
    const { clock, leaseMs, ledger } = this.#options;
    const nowMs = clock.monotonicMs();
    let inMs = Infinity;
    for (const { document } of ledger.all()) {
      const leftMs = safeUntilMs(document, leaseMs) - nowMs;
      if (leftMs > 0) inMs = Math.min(inMs, leftMs);
    }
    return inMs;
  }
}

/** What a {@linkcode LeaseKeeper} needs. */
export interface LeaseKeeperOptions {
  clock: Clock;
  events: Events;
  ledger: Ledger;
  store: DocumentStore;
  leaseMs: number;
}

function hasCheckpoint({ checkpoints }: LeasedDocument): boolean {
  return checkpoints?.hasUnwritten === true;
}

/** How many of the documents a failed renewal concerns, and why. */
function failureOf(error: unknown, sent: number): { documents: number; error: unknown } {
  if (error instanceof RefusedWritesError) {
    return { documents: error.refused.size, error: error.refused.values().next().value };
  }
  if (error instanceof UnansweredWritesError) {
    return { documents: error.unanswered.size, error: error.cause };
  }
  return { documents: sent, error };
}
