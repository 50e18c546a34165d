import { type Progress, progressOf } from "./progress.ts";
import { RunCheckpoints } from "../leases/run_checkpoints.ts";
import type { LeasedDocument } from "../ports.ts";
import { checkpointData } from "../processors/checkpoint_data.ts";
import type { ProcessorContext, ProcessorLog } from "../processors/processor.ts";

/**
 * What a processor gets besides its document. It is a class with getters, so that each part is made only for a
 * processor that asks for it: an object literal with getters would take more memory than the document. The functions
 * need no `this`: a processor may take the context apart.
 */
export class HandlerContext implements ProcessorContext {
  readonly attempt: number;
  readonly snoozes: number;
  readonly #document: LeasedDocument;
  readonly #run: RunOfContext;
  #log: ProcessorLog | undefined;
  #checkpoint: ProcessorContext["checkpoint"] | undefined;
  #saved: { data: unknown } | undefined;
  #progress: ProcessorContext["progress"] | undefined;
  /** How far the run is, as it said last. */
  lastProgress: Progress | undefined;

  constructor(document: LeasedDocument, run: RunOfContext) {
    this.attempt = document.attempt;
    this.snoozes = document.snoozes;
    this.#document = document;
    this.#run = run;
  }

  get signal(): AbortSignal {
    return this.#run.signal;
  }

  get stopping(): AbortSignal {
    return this.#run.stopping;
  }

  get traceparent(): string | undefined {
    return this.#run.traceparent;
  }

  get log(): ProcessorLog {
    return this.#log ??= this.#run.logFor(this.#document);
  }

  get idempotencyKey(): string {
    return this.#document.idempotencyKey;
  }

  get saved(): unknown {
    return (this.#saved ??= { data: this.#document.saved?.data }).data;
  }

  get checkpoint(): ProcessorContext["checkpoint"] {
    return this.#checkpoint ??= (data) => this.#save(data);
  }

  get progress(): ProcessorContext["progress"] {
    return this.#progress ??= (fraction, text) => this.lastProgress = progressOf(fraction, text);
  }

  #save(data: unknown): Promise<void> {
    const run = this.#run;
    const copy = checkpointData(data);
    if (run.isOver) return rejected(run.endReason);
    const document = this.#document;
    document.checkpoints ??= new RunCheckpoints(document.saved, (error) => run.refused(document, error));
    const written = document.checkpoints.add(copy);
    run.saveSoon(document);
    return written;
  }
}

/** The run that a context belongs to. */
export interface RunOfContext {
  readonly signal: AbortSignal;
  readonly stopping: AbortSignal;
  readonly traceparent: string | undefined;
  /** Nothing that the handler does counts any more. */
  readonly isOver: boolean;
  /** Why, for a handler that goes on all the same. */
  readonly endReason: unknown;
  logFor(document: LeasedDocument): ProcessorLog;
  /** The document has a new checkpoint. */
  saveSoon(document: LeasedDocument): void;
  /** MongoDB refuses a checkpoint of the document. */
  refused(document: LeasedDocument, error: unknown): void;
}

/** A promise that does no harm if no code awaits it. */
function rejected(reason: unknown): Promise<never> {
  const promise = Promise.reject(reason);
  promise.catch(() => {});
  return promise;
}
