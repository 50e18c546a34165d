import type { Document, EffectWrite } from "../ports.ts";

/** Writes log lines that carry the document's id and attempt. */
export interface ProcessorLog {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

/** What every processor gets besides the documents. */
interface CommonContext {
  /** Aborted when `PROCESS_TIMEOUT` passes, the lease is lost, or the agent is forced to stop. */
  readonly signal: AbortSignal;
  /**
   * Aborted when the agent begins to drain. What is running may go on; if it throws the reason of this signal, its
   * document is released and its attempt does not count.
   */
  readonly stopping: AbortSignal;
  readonly log: ProcessorLog;
  /**
   * The span of this run by W3C Trace Context: spans that have it as their parent continue the agent's trace. Undefined
   * unless the agent sends traces.
   */
  readonly traceparent?: string | undefined;
}

/** What a processor of single documents gets besides the document. */
export interface ProcessorContext extends CommonContext {
  /** The number of this run, 1 for the first. */
  readonly attempt: number;
  /** How often a run of this document has put it off with `snoozeMs`. */
  readonly snoozes: number;
  /** The same for every run of this document; pass it to each side effect that must not happen twice. */
  readonly idempotencyKey: string;
  /** What the last {@linkcode checkpoint} of an earlier run has saved; undefined if there is none. */
  readonly saved: unknown;
  /**
   * Saves how far this run has come, for the next one: any value of up to 16 KiB that MongoDB can hold unchanged. It is
   * written within about a second, or with the outcome if that comes first and is no ack. The promise resolves once
   * MongoDB has confirmed it, or a later one, and rejects if that will not be: with the reason of `signal` if the run is
   * aborted. It need not be awaited.
   *
   * @throws {PermanentError} if the value is too large, or cannot be written as it is.
   */
  readonly checkpoint: (data: unknown) => Promise<void>;
  /**
   * Tells how far this run is, from 0 to 1, and in words of up to 200 characters, for those who look at the status.
   * It is written nowhere else. Never throws.
   */
  readonly progress: (fraction: number, text?: string) => void;
}

/** What a processor of batches gets besides the documents. The arrays are in the documents' order. */
export interface BatchContext extends CommonContext {
  readonly attempts: readonly number[];
  readonly snoozes: readonly number[];
  readonly idempotencyKeys: readonly string[];
}

/** What a processor wants besides that its document is processed: `set` and `writes`, or `snoozeMs`. */
export interface ProcessorResult {
  /** Fields to be written on the document together with the ack. */
  set?: Document;
  /**
   * Writes to other documents of the database, made in one transaction with the ack: all of it is written once, or
   * nothing. At most 1,000, of 8 MiB together.
   */
  writes?: readonly EffectWrite[];
  /** The document is not processed yet: it runs again after so many milliseconds, and this run is no attempt. */
  snoozeMs?: number;
}

/**
 * What is done with each document. Returning means done, unless the value shows that something is wrong: see `resultOf()`.
 * Throwing means a retry after a backoff, or a dead letter when the error says `permanent: true` or the attempts are
 * spent. An error with `retryAfterMs` is retried then.
 */
export type Processor = (
  document: Document,
  context: ProcessorContext,
  // deno-lint-ignore no-explicit-any -- what a user's function returned is checked at run time
) => Promise<ProcessorResult | void> | ProcessorResult | void | any;

/**
 * What is done with many documents at once. It returns an array with an entry per document, each as {@linkcode
 * Processor} returns it. If it throws, all of the documents have failed.
 */
export type BatchProcessor = (
  documents: Document[],
  context: BatchContext,
  // deno-lint-ignore no-explicit-any -- what it returned is checked at run time
) => Promise<any> | any;

/** What a processor outside of this process has besides its handler. */
interface Outside {
  /** So many runs can be under way at the same time; it may change. Further ones would only wait. */
  readonly slots?: number;
  /**
   * Ends what the processor has started. It is called once, after the last run.
   *
   * @param limitMs how long that may take, in milliseconds; 10 s if it is left out
   * @param signal aborted if the agent is forced to stop: then it is to end at once
   */
  close?(limitMs?: number, signal?: AbortSignal): Promise<void>;
}

/** A processor of either kind. */
export type Processing =
  & Outside
  & (
    | { readonly kind: "single"; readonly process: Processor }
    | { readonly kind: "batch"; readonly processBatch: BatchProcessor }
  );
