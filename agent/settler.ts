import { Batched, Batcher } from "./batcher.ts";
import type { Clock } from "./clock.ts";
import { Doubts } from "./doubts.ts";
import { RefusedWritesError } from "./errors.ts";
import type { Events, SettleKind } from "./events.ts";
import type { Held, Ledger } from "./ledger.ts";
import type { Outcome, OutcomePolicy } from "./outcome.ts";
import type { DocumentStore } from "./ports.ts";
import { MAX_RESULT_BYTES } from "./result_room.ts";
import { afterRefusal, type RefusedOutcomes, stepOf } from "./refused_outcome.ts";

/** What a {@linkcode Settler} needs. */
export interface SettlerOptions extends OutcomePolicy {
  clock: Clock;
  events: Events;
  ledger: Ledger;
  refusedOutcomes: RefusedOutcomes;
  store: DocumentStore;
}

interface Settling<O extends Outcome = Outcome> {
  readonly held: Held;
  readonly outcome: O;
}

type Lane<K extends SettleKind> = Batcher<Settling<Extract<Outcome, { kind: K }>>>;

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
  readonly #acks: Lane<"ack">;
  readonly #nacks: Lane<"nack">;
  readonly #releases: Lane<"release">;
  readonly #deadLetters: Lane<"dead_letter">;
  readonly #doubts = new Doubts<Settling>();
  readonly #again = new Set<() => void>();

  constructor(options: SettlerOptions) {
    const { store } = options;
    this.#options = options;
    this.#acks = this.#lane(
      "ack",
      MAX_BATCH,
      (batch) => store.ack(batch.map(({ held, outcome }) => ({ document: held.document, set: outcome.set }))),
    );
    this.#nacks = this.#lane(
      "nack",
      MAX_BATCH,
      (batch) => store.nack(batch.map(({ held, outcome }) => ({ document: held.document, ...outcome }))),
    );
    this.#releases = this.#lane(
      "release",
      MAX_BATCH,
      (batch) => store.release(batch.map(({ held }) => held.document)),
    );
    // Three writes in order each, rare by nature: one document at a time.
    this.#deadLetters = this.#lane(
      "dead_letter",
      1,
      ([{ held, outcome }]) =>
        held.document.verdict
          ? store.finishVerdict(held.document)
          : store.deadLetter(held.document, outcome.error),
    );
  }

  /** Takes over a document whose fate is decided. Never throws. */
  settle(held: Held, outcome: Outcome): void {
    this.#options.ledger.settling(held);
    this.#laneOf(outcome.kind).add({ held, outcome });
    if (this.#options.ledger.unfinishedOf(held.document.token) === 0) this.flush();
  }

  /** Writes everything that waits for company now. */
  flush(): void {
    for (const lane of [this.#acks, this.#nacks, this.#releases, this.#deadLetters]) lane.flush();
  }

  /** Gives up what is not written yet. */
  stop(): void {
    for (const lane of [this.#acks, this.#nacks, this.#releases, this.#deadLetters]) lane.stop();
    for (const cancel of this.#again) cancel();
    this.#again.clear();
  }

  #laneOf(kind: SettleKind): Batcher<Settling> {
    const lanes = {
      ack: this.#acks,
      nack: this.#nacks,
      release: this.#releases,
      dead_letter: this.#deadLetters,
    };
    // An outcome is put into the lane of its own kind.
    return lanes[kind] as Batcher<Settling>;
  }

  #lane<K extends SettleKind, S extends Settling<Extract<Outcome, { kind: K }>>>(
    kind: K,
    maxItems: number,
    write: (batch: [S, ...S[]]) => Promise<number>,
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
        } catch (error) {
          if (!(error instanceof RefusedWritesError)) {
            if (live.length === 1 || !store.isDoubtful(error)) throw error;
            // Nothing says which of them is meant, if any is: they part, as each waits for as long as it happens to.
            this.#doubt(kind, live.map(({ item }) => item), error, false);
            return;
          }
          this.#settled(kind, live.filter((_, position) => !error.refused.has(position)), error.matched);
          for (const [position, why] of error.refused) this.#rejected(kind, live[position]!.item, why);
        } finally {
          for (const { item } of live) item.held.writing = false;
        }
      },
      onRetry: (batch, error, retryInMs) =>
        events.emit({
          type: "settle_failed",
          kind,
          documents: batch.length,
          error,
          retryInMs,
          isLasting: store.isForbidden(error),
        }),
      onRejected: (item, error) => this.#rejected(kind, item, error),
    });
  }

  #settled(kind: SettleKind, batch: readonly Batched<Settling>[], matched: number): void {
    const { events, ledger, refusedOutcomes } = this.#options;
    for (const { item } of batch) {
      ledger.remove(item.held);
      refusedOutcomes.delete(item.held.document);
    }
    const missed = batch.length - matched;
    if (missed > 0) {
      const uncertain = batch.filter((each) => each.uncertain);
      // Unmatched after an unanswered write may well be our own success; unmatched at first means the lease is gone.
      const type = uncertain.length > 0 ? "unconfirmed" : "lease_lost";
      const ids = (uncertain.length > 0 ? uncertain : batch).map(({ item }) => item.held.document.id);
      events.emit({ type, documents: missed, ids, during: kind });
    }
    this.#doubts.accepted(kind, matched);
    if (matched > 0) this.#report(kind, batch, matched);
  }

  #report(kind: SettleKind, batch: readonly Batched<Settling>[], matched: number): void {
    const { events } = this.#options;
    if (kind === "ack") return events.emit({ type: "processed", documents: matched });
    if (kind === "release") return this.#reportReleased(batch, matched);
    for (const { item: { held: { document }, outcome } } of batch.slice(0, matched)) {
      const common = { id: document.id, attempt: document.attempt };
      if (outcome.kind === "nack") {
        events.emit({ type: "retried", ...common, error: outcome.error, delayMs: outcome.delayMs });
      } else if (outcome.kind === "dead_letter") {
        events.emit({ type: "dead_lettered", ...common, error: outcome.error });
      }
    }
  }

  #reportReleased(batch: readonly Batched<Settling>[], matched: number): void {
    const aborted = batch.filter(({ item: { outcome } }) => outcome.kind === "release" && outcome.wasAborted);
    // The answer counts documents and names none: those that did not match may be of either kind.
    const event = { documents: matched, aborted: Math.min(aborted.length, matched) };
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
        this.#laneOf(kind).add(settling, true);
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
    if (isFinal) store.passOver(document, error);
  }
}
