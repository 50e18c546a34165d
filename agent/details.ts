import type { SettleKind } from "./events.ts";
import type { LeasedDocument } from "./ports.ts";
import type { HandlerResult } from "./settling/outcome.ts";

/** What an operation of MongoDB does: the ways to name it are many, and these are few. */
export type OperationKind = "find" | "aggregate" | "write" | "commit" | "other";

/** How the run of a handler ended. `aborted`: its lease was lost, or the agent was forced to stop. */
export type RunResult = "ok" | "failed" | "timed_out" | "aborted";

/**
 * What happens to each document, to each batch of them and with each operation, and when it began. Times are those of
 * the monotonic clock, in milliseconds. A part that emits one has just seen its end.
 */
export type Detail =
  /** A claim has an answer, or has failed. */
  | { type: "claim_ended"; startedAtMs: number; documents: readonly LeasedDocument[]; error?: unknown }
  /** A document was claimed so long after it was due, as far as that is known. Takeovers are left out. */
  | { type: "picked_up"; delayMs: number }
  /** In an agent with `RATE_LIMIT`, a document starts so long after its claim. */
  | { type: "start_limited"; waitMs: number }
  /** The handler is about to be called, once for all of these documents. */
  | { type: "run_started"; documents: readonly LeasedDocument[] }
  | {
    type: "run_ended";
    startedAtMs: number;
    documents: readonly LeasedDocument[];
    result: RunResult;
    /** How it ended for each document, in their order. */
    results: readonly HandlerResult[];
  }
  /** A write of outcomes of one kind has an answer, or has failed for some of them at least. */
  | {
    type: "outcomes_written";
    startedAtMs: number;
    kind: SettleKind;
    documents: readonly LeasedDocument[];
    error?: unknown;
  }
  | { type: "operation_ended"; startedAtMs: number; operation: OperationKind; isOk: boolean };

/** Knows the spans of runs, for handlers whose own spans are to continue them. */
export interface RunTraces {
  /** The context, by W3C Trace Context, of the run that began with this document. Never throws. */
  traceparentOf(first: LeasedDocument): string | undefined;
}

/**
 * Passes details on, for metrics and traces. There are as many of them as there are documents: a part makes and emits
 * one only if {@linkcode Details.isWanted}, so that an agent without a sink for them does nothing for them.
 */
export class Details {
  readonly #listeners: ((detail: Detail) => void)[] = [];
  readonly #ofPickUps: ((longestMs: number) => void)[] = [];
  #traces: RunTraces | undefined;

  /** Whether a part outside listens. */
  get isWanted(): boolean {
    return this.#listeners.length > 0;
  }

  /** Calls `listener` for every detail from now on. */
  subscribe(listener: (detail: Detail) => void): void {
    this.#listeners.push(listener);
  }

  /**
   * Calls `listener` after each claim that tells, with the longest time in milliseconds that a document of it was claimed
   * after it was due. It makes no other detail wanted.
   */
  onPickUps(listener: (longestMs: number) => void): void {
    this.#ofPickUps.push(listener);
  }

  /** Whether the longest delay of each claim is wanted. */
  get arePickUpsWanted(): boolean {
    return this.#ofPickUps.length > 0;
  }

  /** Reports the longest delay of a claim. */
  pickedUp(longestMs: number): void {
    for (const listener of this.#ofPickUps) listener(longestMs);
  }

  /** Asks `traces` for the span of each run from now on. */
  traceBy(traces: RunTraces): void {
    this.#traces = traces;
  }

  /** The context of the run that began with this document; undefined if there are no spans. */
  traceparentOf(first: LeasedDocument): string | undefined {
    return this.#traces?.traceparentOf(first);
  }

  /** Calls all subscribers, at once. */
  emit(detail: Detail): void {
    for (const listener of this.#listeners) {
      try {
        listener(detail);
      } catch (error) {
        // A subscriber that fails stops neither the work nor the other subscribers.
        reportError(error);
      }
    }
  }
}
