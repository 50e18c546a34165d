import type { Details, RunResult } from "../details.ts";
import type { Clock } from "../lib/clock.ts";
import { ForcedStopError, LeaseLostError, ProcessTimeoutError } from "../errors.ts";
import type { Events } from "../events.ts";
import { type AbortListener, LazyAbort } from "../leases/lazy_abort.ts";
import { HandlerContext, type RunOfContext } from "./handler_context.ts";
import type { Held } from "../leases/ledger.ts";
import type { CheckpointSaver, LeasedDocument } from "../ports.ts";
import type { HandlerResult } from "../settling/outcome.ts";
import type { BatchProcessor, Processing, Processor, ProcessorLog } from "../processors/processor.ts";
import { entriesOf, resultOf } from "../processors/result.ts";
import type { WriteTargets } from "../processors/writes/write_targets.ts";
import type { DocumentLogs } from "../telemetry/document_log.ts";
import type { Progress } from "./progress.ts";
import type { SharedDeadline, Timed } from "./shared_deadline.ts";
import type { LeftBehind } from "./left_behind.ts";
import type { StopNotice } from "./stop_notice.ts";

/** What a run of a handler needs. */
export interface RunOptions {
  clock: Clock;
  events: Events;
  processing: Processing;
  processTimeoutMs: number;
  /** Of `processTimeoutMs`. */
  timeLimit: SharedDeadline<OpenRun>;
  /** Counts the handlers that go on although they are no longer waited for. */
  leftBehind: LeftBehind;
  /** Where the writes that a processor asks for may go. */
  targets: WriteTargets;
  /** Makes the logs that handlers are given. */
  logs: Pick<DocumentLogs, "logFor">;
  /** Writes the checkpoints of handlers. */
  saver: CheckpointSaver;
  /** Tells handlers that the agent drains. */
  stopNotice: StopNotice;
  /** Gets the beginning and the end of each run. */
  details?: Details | undefined;
}

/** A document that is in its handler. */
export interface RunningDocument {
  readonly id: unknown;
  readonly attempt: number;
  /** How long it has been there, in milliseconds. */
  readonly elapsedMs: number;
  readonly progress: Progress | undefined;
}

/** A run that is under way. */
export interface OpenRun extends Timed {
  /** Its documents. */
  readonly documents: readonly RunningDocument[];
}

/** How long a handler may go on after a forced stop has aborted it: enough to return what it has just finished. */
const FORCE_GRACE_MS = 500;

/**
 * Runs the handler once, on one document or on the documents of a batch. Returns how the run ended for each of them.
 * Never throws: an error in a handler is a result.
 *
 * @param nowMs the time, by the monotonic clock: to read it is a part of what a document costs
 */
export function runHandler(
  run: readonly Held[],
  options: RunOptions,
  nowMs = options.clock.monotonicMs(),
): Promise<HandlerResult[]> {
  return new Promise((resolve) => new HandlerRun(run, options, resolve).start(nowMs));
}

/**
 * One run. There is one for each document, so it is an object rather than a handful of closures, and has a flag instead
 * of a race.
 */
class HandlerRun implements OpenRun, RunOfContext, AbortListener {
  dueMs = 0;
  readonly #run: readonly Held[];
  readonly #options: RunOptions;
  /**
   * Removed once it was called: a handler that goes on all the same refers to it, and would keep a huge error in memory.
   */
  #resolve: ((results: HandlerResult[]) => void) | undefined;
  readonly #abort: LazyAbort;
  #isOver = false;
  #hasRefusedCheckpoint = false;
  #stopGrace: (() => void) | undefined;
  #stopping: AbortController | undefined;
  #context: HandlerContext | undefined;

  constructor(run: readonly Held[], options: RunOptions, resolve: (results: HandlerResult[]) => void) {
    this.#run = run;
    this.#options = options;
    this.#resolve = resolve;
    this.#abort = sharedAbort(run);
  }

  start(nowMs: number): void {
    const { details, processing, timeLimit } = this.#options;
    timeLimit.start(this, nowMs);
    if (details?.isWanted) {
      details.emit({ type: "run_started", documents: this.#run.map(({ document }) => document) });
    }
    this.#abort.follow(this);
    const handler = processing.kind === "batch"
      ? this.#handleBatch(processing.processBatch)
      : this.#handle(processing.process);
    handler.then(
      (results) => this.#isOver ? this.#late() : this.#end(results),
      (error) =>
        this.#isOver ? this.#late() : this.#fail(this.#abort.aborted ? this.#interruption(error) : error),
    );
  }

  /** `PROCESS_TIMEOUT` has passed. */
  timedOut(): void {
    const { events, processTimeoutMs } = this.#options;
    for (const { document: { id, attempt } } of this.#run) {
      events.emit({ type: "handler_timed_out", id, attempt, timeoutMs: processTimeoutMs });
    }
    const reason = `The processor took longer than PROCESS_TIMEOUT (${processTimeoutMs} ms)`;
    this.#abort.abort(new ProcessTimeoutError(reason));
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get stopping(): AbortSignal {
    return (this.#stopping ??= this.#options.stopNotice.follow()).signal;
  }

  get traceparent(): string | undefined {
    return this.#options.details?.traceparentOf(this.#run[0]!.document);
  }

  get documents(): readonly RunningDocument[] {
    const elapsedMs = this.#elapsedMs;
    const progress = this.#context?.lastProgress;
    return this.#run.map(({ document: { id, attempt } }) => ({ id, attempt, elapsedMs, progress }));
  }

  get #elapsedMs(): number {
    const { clock, processTimeoutMs } = this.#options;
    return clock.monotonicMs() - (this.dueMs - processTimeoutMs);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get endReason(): unknown {
    return this.#abort.aborted
      ? this.#abort.reason
      : new Error("The run of the document has ended: await all that the processor does");
  }

  logFor(document: LeasedDocument): ProcessorLog {
    return this.#options.logs.logFor(document);
  }

  saveSoon(document: LeasedDocument): void {
    this.#options.saver.saveSoon(document);
  }

  /** A document that has no room for a checkpoint has none for the next one either: that is told once. */
  refused({ id, attempt }: LeasedDocument, error: unknown): void {
    if (this.#hasRefusedCheckpoint) return;
    this.#hasRefusedCheckpoint = true;
    this.#options.events.emit({ type: "checkpoint_refused", id, attempt, error });
  }

  async #handle(process: Processor): Promise<HandlerResult[]> {
    const { targets } = this.#options;
    const { document } = this.#run[0]!;
    const context = this.#context = new HandlerContext(document, this);
    return [await resultOf(await process(document.read(), context), { id: document.id, targets })];
  }

  async #handleBatch(processBatch: BatchProcessor): Promise<HandlerResult[]> {
    const { logs, targets } = this.#options;
    const documents = this.#run.map(({ document }) => document);
    const returned = await processBatch(documents.map((document) => document.read()), {
      signal: this.signal,
      stopping: this.stopping,
      log: logs.logFor(documents.length === 1 ? documents[0] : undefined),
      traceparent: this.traceparent,
      attempts: documents.map(({ attempt }) => attempt),
      snoozes: documents.map(({ snoozes }) => snoozes),
      idempotencyKeys: documents.map(({ idempotencyKey }) => idempotencyKey),
    });
    return await entriesOf(returned, documents.map(({ id }) => ({ id, targets })));
  }

  /** The run is aborted. */
  aborted(reason: unknown): void {
    if (this.#isOver) return;
    const graceMs = reason instanceof ForcedStopError ? FORCE_GRACE_MS : 0;
    this.#stopGrace = this.#options.clock.after(graceMs, () => this.#giveUp());
  }

  #giveUp(): void {
    this.#options.leftBehind.add();
    this.#fail(this.#abort.reason);
  }

  /** A handler that passes the abort on as an error of its own was interrupted, too. That of a program may say more. */
  #interruption(error: unknown): unknown {
    const { reason } = this.#abort;
    return error instanceof ProcessTimeoutError && reason instanceof ProcessTimeoutError ? error : reason;
  }

  #fail(error: unknown): void {
    this.#end(this.#run.map(() => ({ ok: false, error })));
  }

  #end(results: HandlerResult[]): void {
    this.#isOver = true;
    this.#options.timeLimit.end(this);
    this.#abort.unfollow();
    this.#stopGrace?.();
    if (this.#stopping) this.#options.stopNotice.unfollow(this.#stopping);
    if (this.#abort.aborted) {
      for (const { document } of this.#run) document.checkpoints?.aborted(this.#abort.reason);
    }
    this.#tellIgnored(results);
    this.#tellEnd(results);
    this.#resolve?.(results);
    this.#resolve = undefined;
  }

  #tellIgnored(results: readonly HandlerResult[]): void {
    results.forEach((result, index) => {
      if (!result.ok || result.ignored === undefined) return;
      const { id } = this.#run[index]!.document;
      this.#options.events.emit({ type: "result_ignored", id, fields: result.ignored });
    });
  }

  #tellEnd(results: readonly HandlerResult[]): void {
    const { details, processTimeoutMs } = this.#options;
    if (!details?.isWanted) return;
    details.emit({
      type: "run_ended",
      startedAtMs: this.dueMs - processTimeoutMs,
      documents: this.#run.map(({ document }) => document),
      result: results.every(({ ok }) => ok) ? "ok" : this.#failure,
      results,
    });
  }

  get #failure(): RunResult {
    if (!this.#abort.aborted) return "failed";
    return this.#abort.reason instanceof ProcessTimeoutError ? "timed_out" : "aborted";
  }

  #late(): void {
    const { events, leftBehind } = this.#options;
    leftBehind.ended();
    const elapsedMs = this.#elapsedMs;
    for (const { document: { id, attempt } } of this.#run) {
      events.emit({ type: "handler_returned_late", id, attempt, elapsedMs });
    }
  }
}

/**
 * The abort of a whole run. A run goes on if one of its documents loses the lease. Its handler is aborted only if all
 * of them have lost theirs, or if the agent is forced to stop.
 */
function sharedAbort(run: readonly Held[]): LazyAbort {
  if (run.length === 1) return run[0]!.abort;
  const shared = new LazyAbort();
  const { length } = run;
  let lost = 0;
  const follower: AbortListener = {
    aborted(reason) {
      lost += 1;
      if (lost === length || !(reason instanceof LeaseLostError)) shared.abort(reason);
    },
  };
  for (const { abort } of run) abort.follow(follower);
  return shared;
}
