import { Batched, Batcher } from "./batcher.ts";
import type { Clock } from "./clock.ts";
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
    switch (outcome.kind) {
      case "ack":
        this.#acks.add({ held, outcome });
        break;
      case "nack":
        this.#nacks.add({ held, outcome });
        break;
      case "release":
        this.#releases.add({ held, outcome });
        break;
      case "dead_letter":
        this.#deadLetters.add({ held, outcome });
        break;
      default:
        outcome satisfies never;
    }
    if (this.#options.ledger.unfinishedOf(held.document.token) === 0) this.flush();
  }

  /** Writes everything that waits for company now. */
  flush(): void {
    for (const lane of [this.#acks, this.#nacks, this.#releases, this.#deadLetters]) lane.flush();
  }

  /** Gives up what is not written yet. */
  stop(): void {
    for (const lane of [this.#acks, this.#nacks, this.#releases, this.#deadLetters]) lane.stop();
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
          if (!(error instanceof RefusedWritesError)) throw error;
          this.#settled(kind, live.filter((_, position) => !error.refused.has(position)), error.matched);
          for (const [position, why] of error.refused) this.#rejected(kind, live[position]!.item, why);
        } finally {
          for (const { item } of live) item.held.writing = false;
        }
      },
      onRetry: (batch, error, retryInMs) =>
        events.emit({ type: "settle_failed", kind, documents: batch.length, error, retryInMs }),
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

  /** The database refuses this write, today and tomorrow: a validator, a unique index, a size limit. */
  #rejected(kind: SettleKind, { held, outcome }: Settling, error: unknown): void {
    const { events, ledger, refusedOutcomes, store } = this.#options;
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
