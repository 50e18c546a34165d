import type { Document } from "../ports.ts";

/** Writes log lines that carry the document's id and attempt. */
export interface ProcessorLog {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

/** What a processor is told besides the document. */
export interface ProcessorContext {
  /** The number of this run, 1 for the first. */
  readonly attempt: number;
  /** The same for every run of this document; hand it to whatever must not act twice. */
  readonly idempotencyKey: string;
  /** Aborted when `PROCESS_TIMEOUT` passes, the lease is lost, or the agent is forced to stop. */
  readonly signal: AbortSignal;
  readonly log: ProcessorLog;
}

/** Fields that a processor wants written on its document together with the ack. */
export interface ProcessorResult {
  set?: Document;
}

/**
 * What is done with each document. Resolving means done; throwing means a retry after a backoff, or a dead letter
 * where the error says `permanent: true` or the attempts are spent. An error with `retryAfterMs` is retried then.
 */
export type Processor = (
  document: Document,
  context: ProcessorContext,
  // deno-lint-ignore no-explicit-any -- whatever else a user's function returns is ignored
) => Promise<ProcessorResult | void> | ProcessorResult | void | any;
