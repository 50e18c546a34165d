import type { Events, SettleKind } from "../events.ts";
import type { LeaseKeeper } from "../leases/lease_keeper.ts";
import type { Held, Ledger } from "../leases/ledger.ts";
import type { TimeAndChance } from "../lib/time_and_chance.ts";
import { RefusedWritesError, UnansweredWritesError } from "../partial_writes.ts";
import type { Settlement } from "../ports.ts";
import type { Batched, BatchWriter } from "./batcher.ts";
import { Batchers } from "./batchers.ts";
import { noteDueAgain } from "./due_again.ts";
import { Doubts } from "./doubts.ts";
import { afterRefusal, failureOf, type Outcome, type OutcomePolicy, type Settling } from "./outcome.ts";
import { LockedOut } from "./locked_out.ts";
import { type OutcomeWriteOptions, writeOutcomes } from "./outcome_write.ts";
import { GivenUp, type RefusedOutcomes, stepOf } from "./refused_outcome.ts";
import type { RetrySchedule } from "./retry_schedule.ts";
import { reportSettlement, type SettledCounts, sortBatch } from "./settlement_report.ts";
import { settleKindOf } from "./settle_kind.ts";

/** A document whose outcome is written again after a wait, because it may not be the reason for MongoDB's refusal. */
interface Doubted {
  readonly settling: Settling;
  /** What MongoDB said. */
  readonly error: unknown;
  /** Whether the refused write, or one before it, may be applied all the same. */
  readonly uncertain: boolean;
}

/**
 * Writes what became of each document, in bulk, until the database has confirmed it.
 *
 * Until then the document stays in the ledger: its lease is renewed, and it counts against what may be claimed. So a
 * slow database slows the claims down, and unwritten outcomes do not pile up.
 */
export class Settler implements BatchWriter<Settling> {
  readonly #options: SettlerOptions;
  readonly #batchers: Batchers;
  readonly #doubts: Doubts<Settling>;
  /** Those that wait to be written again, each with what ends its wait. */
  readonly #again = new Map<Doubted, () => void>();
  /** By the release of a document that was in doubt: what is written again if MongoDB refuses the release, too. */
  readonly #insteadOf = new WeakMap<Settling, Doubted>();
  /** Those whose last write has failed, and has left nothing. */
  readonly #unmade = new WeakSet<Settling>();
  readonly #givenUp = new GivenUp();
  #isEnding = false;
  readonly #lockedOut: LockedOut;
  readonly #counts: SettledCounts = { finished: 0, released: 0, abandoned: 0 };

  constructor(options: SettlerOptions) {
    this.#options = options;
    this.#doubts = new Doubts(options.random);
    this.#lockedOut = new LockedOut(options.clock, this);
    this.#batchers = new Batchers(this, options);
  }

  /** How many documents are settled so far. */
  get counts(): Readonly<SettledCounts> {
    return { ...this.#counts };
  }

  /** Takes over a document whose outcome is decided. Never throws. */
  settle(held: Held, outcome: Outcome): void {
    this.#options.ledger.settling(held);
    this.#batchers.add({ held, outcome });
    if (this.#options.ledger.unfinishedOf(held.document.token) === 0) this.flush();
  }

  /** Writes everything that waits for other acks now. */
  flush(): void {
    this.#batchers.flush();
  }

  /** The agent ends: it does not wait for writes that only a change of the setup makes possible. */
  drain(): void {
    this.#isEnding = true;
    this.flush();
  }

  /** Gives up what is not written yet. */
  stop(): void {
    this.#batchers.stop();
    for (const cancel of this.#again.values()) cancel();
    this.#again.clear();
    this.#lockedOut.stop();
  }

  /** Writes outcomes again whose documents were locked. */
  writeAgain(outcomes: readonly Batched<Settling>[]): void {
    for (const { item, uncertain } of outcomes) {
      if (this.#options.ledger.has(item.held)) this.#batchers.add(item, uncertain);
    }
  }

  /**
   * Releases the held documents if all of them wait for an ack in doubt to be written again; returns whether it does.
   * Their handlers run again, and this agent leaves them alone for a while. If MongoDB refuses that as well, they are
   * in doubt as before.
   */
  releaseDoubted(): boolean {
    const { ledger } = this.#options;
    const doubted = [...this.#again];
    if (
      doubted.length < ledger.counts.documents ||
      doubted.some(([{ settling }]) => settling.outcome.kind !== "ack")
    ) {
      return false;
    }
    for (const [each, cancel] of doubted) {
      const { settling: { held }, uncertain } = each;
      cancel();
      this.#again.delete(each);
      ledger.undoubt(held);
      const release: Settling = { held, outcome: { kind: "release", wasInDoubt: true } };
      this.#insteadOf.set(release, each);
      this.#batchers.add(release, uncertain);
    }
    this.#batchers.flush("release");
    return true;
  }

  /** Writes a batch of one kind of outcome, see {@linkcode BatchWriter}. */
  async write(batch: readonly Batched<Settling>[]): Promise<void> {
    const { leases, ledger } = this.#options;
    const kind = kindOf(batch);
    const live = batch.filter(({ item }) => ledger.has(item.held));
    if (live.length === 0) return;
    for (const { item } of live) {
      ledger.startWrite(item.held);
      this.#unmade.delete(item);
    }
    try {
      this.#settled(kind, live, await writeOutcomes(live.map(({ item }) => item), this.#options));
    } catch (error) {
      this.#partlyWritten(kind, live, error);
    } finally {
      for (const { item } of live) ledger.endWrite(item.held);
      // The next write may begin before the next look at them.
      leases.renewDue();
    }
  }

  /**
   * A write failed: settles the documents that it wrote, and handles those that were refused. Throws what is to be
   * written again.
   */
  #partlyWritten(kind: SettleKind, live: readonly Batched<Settling>[], thrown: unknown): void {
    const { store } = this.#options;
    let [error, open] = [thrown, live];
    if (thrown instanceof RefusedWritesError || thrown instanceof UnansweredWritesError) {
      const { others, refused } = thrown;
      const isOpen = (at: number) => thrown instanceof UnansweredWritesError && thrown.unanswered.has(at);
      this.#settled(kind, live.filter((_, at) => !isOpen(at) && !refused.has(at)), others);
      for (const [position, why] of refused) this.#refused(kind, live[position]!, why);
      open = live.filter((_, at) => isOpen(at));
    }
    if (thrown instanceof UnansweredWritesError) {
      error = thrown.cause;
      for (const position of thrown.unmade) this.#unmade.add(live[position]!.item);
    }
    if (this.#isEnding && store.isForbidden(error)) open = this.#releaseUnmade(open);
    if (open.length === 0) return;
    if (thrown instanceof UnansweredWritesError && thrown.isApart) {
      for (const each of open) each.uncertain ||= this.mayBeApplied(each.item);
      return this.failed(open, error, this.#lockedOut.add(open));
    }
    if (open.length === 1 || !store.isDoubtful(error)) throw error;
    // It is not known which of them is at fault, if any is. Their waits are random: they are retried apart.
    this.#doubt(kind, open.map(({ item }) => ({ item, uncertain: true })), error, false);
  }

  /** Releases those of which nothing is written, for certain. Returns the others. */
  #releaseUnmade(open: readonly Batched<Settling>[]): readonly Batched<Settling>[] {
    const others = open.filter(({ item, uncertain }) => uncertain || this.mayBeApplied(item));
    for (const { item: { held } } of open.filter((each) => !others.includes(each))) {
      this.#options.ledger.weigh(held, 0);
      this.settle(held, { kind: "release", wasInDoubt: true });
    }
    return others;
  }

  /** Reports a write that is retried, see {@linkcode BatchWriter}. */
  failed(batch: readonly Batched<Settling>[], error: unknown, retryInMs: number): void {
    const { events, ledger, store } = this.#options;
    const kind = kindOf(batch);
    const documents = batch.filter(({ item }) => ledger.has(item.held)).length;
    const isLasting = store.isForbidden(error);
    events.emit({ type: "settle_failed", kind, documents, error, retryInMs, isLasting });
  }

  /** Decides what follows if a document is refused on its own, see {@linkcode BatchWriter}. */
  rejected(item: Settling, error: unknown): void {
    // If a command failed with a code of unknown meaning, it is not known whether it was applied.
    this.#refused(settleKindOf(item.outcome), { item, uncertain: true }, error);
  }

  isTransient(error: unknown): boolean {
    return this.#options.store.isTransient(error);
  }

  mayBeApplied(item: Settling): boolean {
    return !this.#unmade.has(item);
  }

  bytesOf({ held }: Settling): number {
    return held.resultBytes;
  }

  #settled(kind: SettleKind, batch: readonly Batched<Settling>[], settlement: Settlement): void {
    const { events, ledger, refusedOutcomes, retries, store } = this.#options;
    for (const { item } of batch) {
      const doubted = this.#insteadOf.get(item);
      if (doubted) store.exclude(item.held.document, doubted.error);
      ledger.remove(item.held);
      refusedOutcomes.delete(item.held.document);
    }
    const { matched } = settlement;
    this.#doubts.accepted(kind, matched);
    this.#counts[kind === "release" ? "released" : "finished"] += matched;
    const sorted = sortBatch(batch, settlement);
    reportSettlement(kind, batch, sorted, events);
    for (const { held: { document } } of sorted.written) {
      if (this.#givenUp.settled(document)) events.emit({ type: "settled_at_last", id: document.id });
    }
    noteDueAgain(kind, matched, sorted, retries);
  }

  /** Writes them again later, unless they are known to be at fault; returns whether it does. */
  #doubt(kind: SettleKind, all: readonly Batched<Settling>[], error: unknown, isAlone: boolean): boolean {
    const { clock, events, ledger } = this.#options;
    const isConvicted =
      all.filter(({ item }) => !this.#insteadOf.has(item) && this.#doubts.convict(kind, item, isAlone))
        .length > 0;
    if (isConvicted) return false;
    const waits: number[] = [];
    for (const { item, uncertain } of all) {
      const doubted = this.#insteadOf.get(item) ?? { settling: item, error, uncertain };
      const { settling } = doubted;
      const waitMs = this.#doubts.retryInMs(settling);
      const cancel = clock.after(waitMs, () => {
        this.#again.delete(doubted);
        if (ledger.has(settling.held)) this.#batchers.add(settling, doubted.uncertain);
      });
      this.#again.set(doubted, cancel);
      waits.push(waitMs);
      ledger.doubt(settling.held);
    }
    const retryInMs = Math.max(...waits);
    events.emit({ type: "settle_failed", kind, documents: all.length, error, retryInMs, isDoubtful: true });
    return true;
  }

  /** The database refuses this write for good, or seems to: a validator, a unique index, a size limit. */
  #refused(kind: SettleKind, batched: Batched<Settling>, error: unknown): void {
    const { events, ledger, policy, refusedOutcomes, store } = this.#options;
    const settling = batched.item;
    const isInDoubt = this.#insteadOf.has(settling) || store.isDoubtful(error);
    if (isInDoubt && this.#doubt(kind, [batched], error, true)) return;
    const { held, outcome } = settling;
    ledger.undoubt(held);
    const { document } = held;
    const next = afterRefusal(outcome, error, document.attempt, policy);
    const failure = failureOf(settling);
    // A document that cannot even be a dead letter is reported once, not each time its lease has run out.
    const isLast = failure !== undefined && outcome.kind !== "nack";
    if (!isLast || refusedOutcomes.add(document, failure)) {
      const { attempt, id } = document;
      events.emit({ type: "settle_rejected", kind, id, attempt, error, failure, next: stepOf(next) });
    }
    if (next) {
      // An outcome that could not be written is dropped.
      ledger.weigh(held, 0);
      return this.settle(held, next);
    }
    // Its lease runs out.
    this.#counts.abandoned += 1;
    this.#givenUp.add(document);
    ledger.remove(held);
    if (isLast) store.exclude(document, error);
  }
}

/** The kind of outcome that a batch writes: a batcher is given one kind only. */
function kindOf([first]: readonly Batched<Settling>[]): SettleKind {
  return settleKindOf(first!.item.outcome);
}

/** What a {@linkcode Settler} needs. */
export interface SettlerOptions extends OutcomeWriteOptions, TimeAndChance {
  events: Events;
  leases: Pick<LeaseKeeper, "renewDue">;
  ledger: Ledger;
  policy: OutcomePolicy;
  refusedOutcomes: RefusedOutcomes;
  /** Notes when documents are due that were set back to pending, or may have been. */
  retries: Pick<RetrySchedule, "add" | "addReleased">;
}
