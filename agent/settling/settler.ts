import { type Batched, Batcher } from "./batcher.ts";
import type { Clock } from "../lib/clock.ts";
import { Doubts } from "./doubts.ts";
import type { Events, SettleKind } from "../events.ts";
import type { Held, Ledger } from "../leases/ledger.ts";
import type { Outcome, OutcomePolicy } from "./outcome.ts";
import type { DocumentStore, LeasedDocument, Settlement } from "../ports.ts";
import { RefusedWritesError, UnansweredWritesError } from "../partial_writes.ts";
import { MAX_RESULT_BYTES } from "./result_capacity.ts";
import { afterRefusal, type RefusedOutcomes, stepOf } from "./refused_outcome.ts";

/** What a {@linkcode Settler} needs. */
export interface SettlerOptions extends OutcomePolicy {
  clock: Clock;
  events: Events;
  ledger: Ledger;
  refusedOutcomes: RefusedOutcomes;
  /** Told of documents that were set back to pending, or may have been, and of when each is due. */
  retries: { add(delayMs: number): void };
  store: DocumentStore;
}

interface Settling<O extends Outcome = Outcome> {
  readonly held: Held;
  readonly outcome: O;
}

type OutcomeBatcher<K extends SettleKind> = Batcher<Settling<Extract<Outcome, { kind: K }>>>;

/** An ack waits this long for company, in milliseconds; less where nothing else of its claim is running. */
const LINGER_MS = 5;
const MAX_BATCH = 2000;
/** Fields that processors want written, in one write, in bytes: half of what may wait, so that one is written as one gathers. */
const MAX_BATCH_BYTES = MAX_RESULT_BYTES / 2;
/** Writes of a kind under way at once: two, so that one can be gathered and sent while another is answered. */
const MAX_WRITES = 2;

/**
 * Writes what became of each document, in bulk, until the database has said so.
 *
 * Until then the document stays in the ledger: its lease is renewed, and it counts against what may be claimed, so
 * that a slow database slows the claims down instead of letting answers pile up.
 */
export class Settler {
  readonly #options: SettlerOptions;
  readonly #acks: OutcomeBatcher<"ack">;
  readonly #nacks: OutcomeBatcher<"nack">;
  readonly #releases: OutcomeBatcher<"release">;
  readonly #deadLetters: OutcomeBatcher<"dead_letter">;
  readonly #doubts = new Doubts<Settling>();
  readonly #again = new Set<() => void>();

  constructor(options: SettlerOptions) {
    const { store } = options;
    this.#options = options;
    this.#acks = this.#batcherFor(
      "ack",
      MAX_BATCH,
      (batch) => store.ack(batch.map(({ held, outcome }) => ({ document: held.document, set: outcome.set }))),
    );
    this.#nacks = this.#batcherFor(
      "nack",
      MAX_BATCH,
      (batch) => store.nack(batch.map(({ held, outcome }) => ({ document: held.document, ...outcome }))),
    );
    this.#releases = this.#batcherFor(
      "release",
      MAX_BATCH,
      (batch) => store.release(batch.map(({ held }) => held.document)),
    );
    // Three writes in order each, rare by nature: one document at a time.
    this.#deadLetters = this.#batcherFor(
      "dead_letter",
      1,
      async ([{ held: { document }, outcome }]) => {
        const matched = document.verdict
          ? await store.finishVerdict(document)
          : await store.deadLetter(document, outcome.error);
        return { matched, missed: matched === 0 ? [document] : [] };
      },
    );
  }

  /** Takes over a document whose fate is decided. Never throws. */
  settle(held: Held, outcome: Outcome): void {
    this.#options.ledger.settling(held);
    this.#batcherOf(outcome.kind).add({ held, outcome });
    if (this.#options.ledger.unfinishedOf(held.document.token) === 0) this.flush();
  }

  /** Writes everything that waits for company now. */
  flush(): void {
    for (const batcher of [this.#acks, this.#nacks, this.#releases, this.#deadLetters]) batcher.flush();
  }

  /** Gives up what is not written yet. */
  stop(): void {
    for (const batcher of [this.#acks, this.#nacks, this.#releases, this.#deadLetters]) batcher.stop();
    for (const cancel of this.#again) cancel();
    this.#again.clear();
  }

  #batcherOf(kind: SettleKind): Batcher<Settling> {
    const batchers = {
      ack: this.#acks,
      nack: this.#nacks,
      release: this.#releases,
      dead_letter: this.#deadLetters,
    };
    // An outcome is put into the batcher of its own kind.
    return batchers[kind] as Batcher<Settling>;
  }

  #batcherFor<K extends SettleKind, S extends Settling<Extract<Outcome, { kind: K }>>>(
    kind: K,
    maxItems: number,
    write: (batch: [S, ...S[]]) => Promise<Settlement>,
  ): Batcher<S> {
    const { clock, events, store } = this.#options;
    return new Batcher<S>({
      clock,
      maxItems,
      maxBytes: MAX_BATCH_BYTES,
      bytesOf: ({ held }) => held.resultBytes,
      lingerMs: LINGER_MS,
      maxWrites: MAX_WRITES,
      isTransient: (error) => store.isTransient(error),
      write: async (batch) => {
        const live = batch.filter(({ item }) => this.#options.ledger.has(item.held));
        if (live.length === 0) return;
        for (const { item } of live) item.held.writing = true;
        try {
          this.#settled(kind, live, await write(live.map(({ item }) => item) as [S, ...S[]]));
        } catch (thrown) {
          let [error, open] = [thrown, live];
          if (thrown instanceof UnansweredWritesError) {
            this.#settled(
              kind,
              live.filter((_, position) => !thrown.unanswered.has(position)),
              thrown.others,
            );
            open = live.filter((_, position) => thrown.unanswered.has(position));
            error = thrown.cause;
          }
          if (!(error instanceof RefusedWritesError)) {
            if (open.length === 1 || !store.isDoubtful(error)) throw error;
            // Nothing says which of them is meant, if any is: they part, as each waits for as long as it happens to.
            this.#doubt(kind, open.map(({ item }) => item), error, false);
            return;
          }
          const { others, refused } = error;
          this.#settled(kind, live.filter((_, position) => !refused.has(position)), others);
          for (const [position, why] of refused) this.#rejected(kind, live[position]!.item, why);
        } finally {
          for (const { item } of live) item.held.writing = false;
        }
      },
      onRetry: (batch, error, retryInMs) => {
        const documents = batch.filter(({ item }) => this.#options.ledger.has(item.held)).length;
        const isLasting = store.isForbidden(error);
        events.emit({ type: "settle_failed", kind, documents, error, retryInMs, isLasting });
      },
      onRejected: (item, error) => this.#rejected(kind, item, error),
    });
  }

  #settled(kind: SettleKind, batch: readonly Batched<Settling>[], { matched, missed }: Settlement): void {
    const { events, ledger, refusedOutcomes } = this.#options;
    for (const { item } of batch) {
      ledger.remove(item.held);
      refusedOutcomes.delete(item.held.document);
    }
    const isMissed = new Set<LeasedDocument>(missed);
    const written = batch.filter(({ item }) => !isMissed.has(item.held.document)).map(({ item }) => item);
    const others = batch.filter(({ item }) => isMissed.has(item.held.document));
    const unmatched = batch.length - matched;
    this.#doubts.accepted(kind, matched);
    const ids = this.#reportMissed(kind, others, unmatched);
    for (const each of written) this.#report(each);
    if (kind === "ack" && matched > 0) events.emit({ type: "processed", documents: matched });
    if (kind === "release" && matched > 0) this.#reportReleased(batch, written, matched);
    if (kind !== "nack") return;
    const isUnclear = others.length > unmatched;
    if (isUnclear) events.emit({ type: "retried_among", documents: others.length - unmatched, ids });
    // A look too many is harmless; a Job that takes a document for another agent's would end before its retry.
    const mayWait = others.filter(({ uncertain }) => isUnclear || uncertain).map(({ item }) => item);
    for (const { outcome } of [...written, ...mayWait]) {
      if (outcome.kind === "nack") this.#options.retries.add(outcome.delayMs);
    }
  }

  /** Tells of documents that a write has missed, or that `documents` among them were. Returns their ids. */
  #reportMissed(kind: SettleKind, missed: readonly Batched<Settling>[], documents: number): unknown[] {
    const idsOf = (batch: readonly Batched<Settling>[]) => batch.map(({ item }) => item.held.document.id);
    const ids = idsOf(missed);
    const uncertain = missed.filter((each) => each.uncertain);
    // Missed after an unanswered write may well be our own success; missed at first means the lease is gone.
    const report = (type: "unconfirmed" | "lease_lost", documents: number, ids: unknown[]) => {
      if (documents > 0) this.#options.events.emit({ type, documents, ids, during: kind });
    };
    if (missed.length > documents) {
      report(uncertain.length > 0 ? "unconfirmed" : "lease_lost", documents, ids);
    } else {
      report("unconfirmed", uncertain.length, idsOf(uncertain));
      const lost = missed.filter((each) => !each.uncertain);
      report("lease_lost", lost.length, idsOf(lost));
    }
    return ids;
  }

  /** Tells of a document that is written for certain. */
  #report({ held: { document }, outcome }: Settling): void {
    const { events } = this.#options;
    const common = { id: document.id, attempt: document.attempt };
    if (outcome.kind === "nack") {
      events.emit({ type: "retried", ...common, error: outcome.error, delayMs: outcome.delayMs });
    } else if (outcome.kind === "dead_letter") {
      events.emit({ type: "dead_lettered", ...common, error: outcome.error });
    }
  }

  #reportReleased(batch: readonly Batched<Settling>[], written: readonly Settling[], matched: number): void {
    // If it is not known which documents were written, they may be of any kind.
    const candidates = written.length === matched ? written : batch.map(({ item }) => item);
    const countOf = (flag: "wasAborted" | "hadNoRoom") =>
      candidates.filter(({ outcome }) => outcome.kind === "release" && outcome[flag]).length;
    const aborted = Math.min(countOf("wasAborted"), matched);
    const hadNoRoom = Math.min(countOf("hadNoRoom"), matched - aborted);
    const event = { documents: matched, aborted, ...(hadNoRoom > 0 && { hadNoRoom }) };
    this.#options.events.emit({ type: "released", ...event });
  }

  /** Writes them again later, unless it is known that they are at fault; returns whether it does. */
  #doubt(kind: SettleKind, all: readonly Settling[], error: unknown, isAlone: boolean): boolean {
    const { clock, events, ledger } = this.#options;
    const isConvicted = all.filter((each) => this.#doubts.convict(kind, each, isAlone)).length > 0;
    if (isConvicted) return false;
    const waits = all.map((each) => this.#doubts.retryInMs(each));
    for (const [position, settling] of all.entries()) {
      ledger.doubt(settling.held);
      const cancel = clock.after(waits[position]!, () => {
        this.#again.delete(cancel);
        if (!ledger.has(settling.held)) return;
        this.#batcherOf(kind).add(settling, true);
      });
      this.#again.add(cancel);
    }
    const retryInMs = Math.max(...waits);
    events.emit({ type: "settle_failed", kind, documents: all.length, error, retryInMs, isDoubtful: true });
    return true;
  }

  /** The database refuses this write, today and tomorrow: a validator, a unique index, a size limit. Or so it seems. */
  #rejected(kind: SettleKind, settling: Settling, error: unknown): void {
    const { events, ledger, refusedOutcomes, store } = this.#options;
    if (store.isDoubtful(error) && this.#doubt(kind, [settling], error, true)) return;
    const { held, outcome } = settling;
    ledger.undoubt(held);
    const { document } = held;
    const next = afterRefusal(outcome, error, document.attempt, this.#options);
    const isFinal = outcome.kind === "dead_letter";
    // It is told of once, not each time its lease has run out.
    if (!isFinal || refusedOutcomes.add(document, outcome.error)) {
      const failure = "error" in outcome ? outcome.error : undefined;
      events.emit({ type: "settle_rejected", kind, id: document.id, error, failure, next: stepOf(next) });
    }
    if (next) {
      // What could not be written is let go of.
      ledger.weigh(held, 0);
      return this.settle(held, next);
    }
    // Its lease runs out.
    ledger.remove(held);
    if (isFinal) store.exclude(document, error);
  }
}
