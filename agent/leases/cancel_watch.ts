import { CanceledError } from "../errors.ts";
import type { Events } from "../events.ts";
import type { Clock } from "../lib/clock.ts";
import { every } from "../lib/every.ts";
import type { DocumentStore, LeasedDocument } from "../ports.ts";
import type { Held, Ledger } from "./ledger.ts";

/**
 * Time between two looks, in milliseconds. A handler that has run through one of these times is looked up at its end: so
 * it is aborted within twice this time and a round trip.
 */
const EVERY_MS = 400;

/** Documents that are asked for at a time, at most, unless one was canceled. If more run for long, they take turns. */
const MAX_ASKED = 1000;

/**
 * After a cancellation this many ticks look as if there were no hints: a claim under way may still bring the document.
 */
const TICKS_AFTER_HINT = 5;

/**
 * Aborts the handlers of documents that an operator has canceled. The next renewal would find out as well, up to a third
 * of a lease later.
 *
 * It asks the database only for documents whose handlers run for long, and, while a stream reports cancellations, only
 * after one: as long as no document is canceled, it costs nothing.
 */
export class CancelWatch {
  readonly #options: CancelWatchOptions;
  /** Those whose handlers ran at the last tick. */
  #before: ReadonlySet<Held> = new Set();
  /** How many of those that run for long have had their turn. */
  #asked = 0;
  #isTold = false;
  #ticksLeft = 0;
  #isLooking = false;
  /** There was another reason to look while a look was under way. */
  #isDueAgain = false;
  #cancel: (() => void) | undefined;

  constructor(options: CancelWatchOptions) {
    this.#options = options;
  }

  /** Starts to watch. */
  start(): void {
    this.#cancel = every(this.#options.clock, EVERY_MS, () => this.#tick());
  }

  /** Stops watching. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Whether {@linkcode CancelWatch.look} is called from now on when a document is canceled. */
  set isTold(isTold: boolean) {
    this.#isTold = isTold;
    // What was canceled before is not reported.
    if (isTold) this.look();
  }

  /** A document may have been canceled: looks at all that are held. */
  look(): void {
    this.#ticksLeft = TICKS_AFTER_HINT;
    void this.#look(this.#options.ledger.all().filter(({ state }) => state !== "settling"));
  }

  #tick(): void {
    if (this.#isTold && this.#ticksLeft-- <= 0) {
      // It would keep settled documents in memory.
      this.#before = new Set();
      return;
    }
    const running = this.#options.ledger.all().filter(({ state }) => state === "running");
    const long = running.filter((held) => this.#before.has(held));
    this.#before = new Set(running);
    // An answer that takes so long must not cause more questions.
    if (!this.#isLooking) void this.#look(this.#inTurn(long));
  }

  #inTurn(long: readonly Held[]): readonly Held[] {
    if (long.length <= MAX_ASKED) return long;
    if (this.#asked >= long.length) this.#asked = 0;
    const asked = long.slice(this.#asked, this.#asked + MAX_ASKED);
    this.#asked += MAX_ASKED;
    return asked;
  }

  async #look(asked: readonly Held[]): Promise<void> {
    if (this.#isLooking) {
      this.#isDueAgain = true;
      return;
    }
    if (asked.length === 0 || this.#cancel === undefined) return;
    this.#isLooking = true;
    await loseCanceled(asked, this.#options);
    this.#isLooking = false;
    if (!this.#isDueAgain) return;
    this.#isDueAgain = false;
    this.look();
  }
}

/**
 * Asks which of the held documents are canceled: those leave the ledger, and their handlers are aborted. Never throws: if
 * the database is out of reach, the renewals report it.
 */
export async function loseCanceled(
  asked: readonly Held[],
  { events, ledger, store }: Omit<CancelWatchOptions, "clock">,
): Promise<void> {
  let canceled: ReadonlySet<LeasedDocument>;
  try {
    canceled = new Set(await store.canceled(asked.map(({ document }) => document)));
  } catch {
    return;
  }
  // One that was settled meanwhile has its outcome.
  const ours = asked.filter((held) =>
    canceled.has(held.document) && ledger.has(held) && held.state !== "settling"
  );
  if (ours.length === 0) return;
  for (const held of ours) {
    ledger.remove(held);
    held.abort.abort(new CanceledError("The document was canceled"));
  }
  events.emit({ type: "canceled", documents: ours.length, ids: ours.map(({ document }) => document.id) });
}

/** What a {@linkcode CancelWatch} needs. */
export interface CancelWatchOptions {
  clock: Clock;
  events: Events;
  ledger: Ledger;
  store: Pick<DocumentStore, "canceled">;
}
