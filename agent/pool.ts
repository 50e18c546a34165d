import type { Clock } from "./clock.ts";
import { ForcedStopError, ProcessTimeoutError } from "./errors.ts";
import type { Events } from "./events.ts";
import type { Held, Ledger } from "./ledger.ts";
import { safeUntilMs } from "./lease.ts";
import { type HandlerResult, type Outcome, outcomeOf, type OutcomePolicy } from "./outcome.ts";
import type { LeasedDocument } from "./ports.ts";
import { fieldsToSet } from "./processors/result.ts";
import type { Processor, ProcessorLog } from "./processors/processor.ts";

/** What a {@linkcode Pool} needs. */
export interface PoolOptions extends OutcomePolicy {
  clock: Clock;
  events: Events;
  ledger: Ledger;
  processor: Processor;
  /** Handlers running at once, at the most. */
  concurrency: number;
  processTimeoutMs: number;
  /** How long a lease may be relied on after it was written. */
  leaseMs: number;
  /** Makes the log that a handler is given. */
  logFor(document: LeasedDocument): ProcessorLog;
  /** Told once for each document that was handed in. */
  settle(held: Held, outcome: Outcome): void;
}

/** Runs handlers, a bounded number at a time, and turns the way each ends into an outcome. */
export class Pool {
  readonly #options: PoolOptions;
  readonly #waiting: Held[] = [];
  #forced: ForcedStopError | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Takes claimed documents in; their handlers start as slots become free. */
  add(documents: readonly LeasedDocument[]): void {
    const { ledger, settle } = this.#options;
    for (const document of documents) {
      const held = ledger.add(document);
      // Its fate was decided by an earlier holder: that is to be finished, not to be run again.
      if (document.verdict) settle(held, { kind: "dead_letter", error: "" });
      else this.#waiting.push(held);
    }
    this.#fill();
  }

  /** Hands back what has not started yet. */
  releaseWaiting(): void {
    for (const held of this.#waiting.splice(0)) {
      if (this.#options.ledger.has(held)) this.#options.settle(held, { kind: "release" });
    }
  }

  /** Hands back what waits, and asks the handlers that run to give up. */
  force(): void {
    this.#forced = new ForcedStopError("The agent is forced to stop");
    this.releaseWaiting();
    for (const held of this.#options.ledger.all()) {
      if (held.state === "running") held.abort.abort(this.#forced);
    }
  }

  #fill(): void {
    const { clock, concurrency, ledger, leaseMs, settle } = this.#options;
    while (this.#waiting.length > 0 && ledger.counts.running < concurrency) {
      const held = this.#waiting.shift()!;
      if (!ledger.has(held)) continue;
      // A lease that may have ended while the document waited protects nothing: somebody else may have it by now.
      if (clock.monotonicMs() >= safeUntilMs(held.document, leaseMs)) settle(held, { kind: "release" });
      else this.#start(held);
    }
  }

  #start(held: Held): void {
    const { ledger, settle } = this.#options;
    ledger.start(held);
    this.#run(held).then((result) => {
      // The lease may have been lost, and the document let go of, while its handler was still busy.
      if (ledger.has(held)) settle(held, outcomeOf(result, held.document.attempt, this.#options));
      this.#fill();
    });
  }

  /** Never throws: whatever happens in a handler is its result. */
  async #run(held: Held): Promise<HandlerResult> {
    const { clock, events, processTimeoutMs } = this.#options;
    const { document, abort } = held;
    const startedAtMs = clock.monotonicMs();
    const cancelTimeout = clock.after(processTimeoutMs, () => {
      events.emit({ type: "handler_timed_out", id: document.id, timeoutMs: processTimeoutMs });
      abort.abort(
        new ProcessTimeoutError(`The processor took longer than PROCESS_TIMEOUT (${processTimeoutMs} ms)`),
      );
    });
    const handler = this.#handle(held);
    let ended = false;
    const markEnded = () => ended = true;
    handler.then(markEnded, markEnded);
    const given = givenUp(abort.signal, clock);
    try {
      return { ok: true, set: fieldsToSet(await Promise.race([handler, given.up])) };
    } catch (error) {
      if (!abort.signal.aborted) return { ok: false, error };
      if (!ended) {
        const elapsedMs = () => clock.monotonicMs() - startedAtMs;
        const late = () =>
          events.emit({ type: "handler_returned_late", id: document.id, elapsedMs: elapsedMs() });
        handler.then(late, late);
      }
      // A handler that passes the abort on as an error of its own was interrupted, too.
      return { ok: false, error: abort.signal.reason };
    } finally {
      cancelTimeout();
      given.cancel();
    }
  }

  async #handle(held: Held): Promise<unknown> {
    const { document, abort } = held;
    return await this.#options.processor(document.read(), {
      attempt: document.attempt,
      get idempotencyKey() {
        return document.idempotencyKey;
      },
      signal: abort.signal,
      log: this.#options.logFor(document),
    });
  }
}

/** How long a handler may go on after a forced stop has aborted it: enough to return what it just finished. */
const FORCE_GRACE_MS = 500;

/** Rejects once a handler that was told to stop is no longer waited for. */
function givenUp(signal: AbortSignal, clock: Clock): { up: Promise<never>; cancel(): void } {
  let cancel = () => {};
  const up = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => {
      const graceMs = signal.reason instanceof ForcedStopError ? FORCE_GRACE_MS : 0;
      cancel = clock.after(graceMs, () => reject(signal.reason));
    });
  });
  return { up, cancel: () => cancel() };
}
