import type { LazyAbort } from "../leases/lazy_abort.ts";
import type { LeasedDocument } from "../ports.ts";
import type { ProcessorContext, ProcessorLog } from "../processors/processor.ts";
import type { DocumentLogs } from "../telemetry/document_log.ts";

/**
 * What a processor gets besides its document. It is a class with getters, so that each part is made only for a
 * processor that asks for it: an object literal with getters would take more memory than the document.
 */
export class HandlerContext implements ProcessorContext {
  readonly attempt: number;
  readonly snoozes: number;
  readonly #document: LeasedDocument;
  readonly #abort: LazyAbort;
  readonly #logs: Pick<DocumentLogs, "logFor">;
  #log: ProcessorLog | undefined;

  constructor(document: LeasedDocument, abort: LazyAbort, logs: Pick<DocumentLogs, "logFor">) {
    this.attempt = document.attempt;
    this.snoozes = document.snoozes;
    this.#document = document;
    this.#abort = abort;
    this.#logs = logs;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get log(): ProcessorLog {
    return this.#log ??= this.#logs.logFor(this.#document);
  }

  get idempotencyKey(): string {
    return this.#document.idempotencyKey;
  }
}
