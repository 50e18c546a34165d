import { FIRST_BATCH } from "../../agent/claiming/auto_batch_size.ts";
import { ForcedStopError } from "../../agent/errors.ts";
import { Events } from "../../agent/events.ts";
import { LeftBehind } from "../../agent/handling/left_behind.ts";
import { runHandler, type RunOptions } from "../../agent/handling/handler_run.ts";
import { StopNotice } from "../../agent/handling/stop_notice.ts";
import { SharedDeadline } from "../../agent/handling/shared_deadline.ts";
import { LazyAbort } from "../../agent/leases/lazy_abort.ts";
import type { Held } from "../../agent/leases/ledger.ts";
import { SYSTEM, type TimeAndChance } from "../../agent/lib/time_and_chance.ts";
import type { CheckpointSaver, LeasedDocument } from "../../agent/ports.ts";
import type { Processing } from "../../agent/processors/processor.ts";
import type { WriteTargets } from "../../agent/processors/writes/write_targets.ts";
import type { Settings } from "../../agent/settings/settings.ts";
import {
  type HandlerResult,
  type Outcome,
  outcomeOf,
  type OutcomePolicy,
  outcomeWithoutRun,
} from "../../agent/settling/outcome.ts";
import type { DocumentLogs } from "../../agent/telemetry/document_log.ts";

/** What would become of a document in a run of the agent. */
export interface Tried<D extends LeasedDocument = LeasedDocument> {
  document: D;
  outcome: Outcome;
  /** Some names of an object that was returned without `set`: none of it would be written. */
  ignored?: readonly string[] | undefined;
  /** How long the processor took, for the whole batch if it is one; undefined if it would not run. */
  elapsedMs?: number;
}

/** Runs a processor as a run of the agent does, and decides on the outcome as it does, but writes none. */
export class Trial implements CheckpointSaver {
  readonly #options: TrialOptions;
  readonly #policy: OutcomePolicy;
  readonly #runOptions: RunOptions;
  #running: readonly Held[] = [];
  #ended: Promise<unknown> = Promise.resolve();
  #isStopped = false;

  constructor(options: TrialOptions, { clock, random }: TimeAndChance = SYSTEM) {
    const { logs, processing, settings } = options;
    const { processTimeoutMs } = settings;
    this.#options = options;
    this.#policy = { ...settings, random };
    this.#runOptions = {
      clock,
      events: new Events(),
      leftBehind: new LeftBehind(),
      logs,
      processing,
      processTimeoutMs,
      targets: settings,
      timeLimit: new SharedDeadline(clock, processTimeoutMs),
      saver: this,
      stopNotice: new StopNotice(),
    };
  }

  /** Documents that a run of the processor takes at once. */
  get batchSize(): number {
    const { processing, settings } = this.#options;
    if (processing.kind !== "batch") return 1;
    return settings.batchSize === "auto" ? FIRST_BATCH : settings.batchSize;
  }

  /**
   * Runs the processor on documents, at most {@linkcode Trial.batchSize} of them. After {@linkcode Trial.stop} it never
   * resolves: the process ends.
   */
  async run<D extends LeasedDocument>(documents: readonly D[]): Promise<Tried<D>[]> {
    const decided = documents.map((document) => outcomeWithoutRun(document, undefined));
    const results = await this.#results(documents.filter((_, at) => decided[at] === undefined));
    return documents.map((document, at) => {
      const outcome = decided[at];
      return outcome ? { document, outcome } : this.#judged(document, results.shift()!);
    });
  }

  /** Aborts the processor, and resolves once its run is over, and what belongs to it is closed. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const { abort } of this.#running) abort.abort(new ForcedStopError("The trial is forced to stop"));
    await this.#ended;
    await this.close();
  }

  /** A checkpoint counts as written at once: the processor goes on as if it was. */
  saveSoon({ checkpoints }: LeasedDocument): void {
    const checkpoint = checkpoints?.take();
    if (checkpoint) checkpoints?.written(checkpoint);
  }

  /** Ends what the processor keeps open, such as its programs. */
  async close(): Promise<void> {
    await this.#options.processing.close?.();
  }

  async #results(documents: readonly LeasedDocument[]): Promise<TimedResult[]> {
    if (documents.length === 0) return [];
    if (this.#isStopped) return await FOREVER;
    const { clock } = this.#runOptions;
    this.#running = documents.map((document) => ({
      document,
      state: "running",
      resultBytes: 0,
      isWriting: false,
      abort: new LazyAbort(),
    }));
    const startedAtMs = clock.monotonicMs();
    const running = runHandler(this.#running, this.#runOptions);
    this.#ended = running;
    const results = await running;
    const elapsedMs = clock.monotonicMs() - startedAtMs;
    if (this.#isStopped) return await FOREVER;
    return results.map((result) => ({ result, elapsedMs }));
  }

  #judged<D extends LeasedDocument>(document: D, { result, elapsedMs }: TimedResult): Tried<D> {
    const outcome = outcomeOf(result, document.attempt, this.#policy);
    return { document, outcome, elapsedMs, ignored: result.ok ? result.ignored : undefined };
  }
}

const FOREVER = new Promise<never>(() => {});

interface TimedResult {
  result: HandlerResult;
  elapsedMs: number;
}

/** What a {@linkcode Trial} needs. */
export interface TrialOptions {
  processing: Processing;
  settings:
    & Pick<
      Settings,
      | "batchSize"
      | "maxAttempts"
      | "maxSnoozeMs"
      | "processTimeoutMs"
      | "retryBackoffMaxMs"
      | "retryBackoffMs"
    >
    & WriteTargets;
  /** Makes the logs that the processor is given. */
  logs: Pick<DocumentLogs, "logFor">;
}
