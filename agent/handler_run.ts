import type { Clock } from "./clock.ts";
import { ForcedStopError, LeaseLostError, ProcessTimeoutError } from "./errors.ts";
import type { Events } from "./events.ts";
import { HandlerAbort } from "./handler_abort.ts";
import type { Held } from "./ledger.ts";
import type { HandlerResult } from "./outcome.ts";
import type { LeasedDocument } from "./ports.ts";
import type { Processing, ProcessorLog } from "./processors/processor.ts";
import { entriesOf, fieldsToSet } from "./processors/result.ts";
import type { TimeLimit } from "./time_limit.ts";

/** What a run of a handler needs. */
export interface RunOptions {
  clock: Clock;
  events: Events;
  processing: Processing;
  processTimeoutMs: number;
  /** Of `processTimeoutMs`. */
  timeLimit: TimeLimit;
  /** Told when a handler that is no longer waited for goes on all the same (1), and when it ends at last (-1). */
  onLeftBehind?(change: 1 | -1): void;
  /** Makes the log that a handler is given. */
  logFor(document: LeasedDocument | undefined): ProcessorLog;
}

/** How long a handler may go on after a forced stop has aborted it: enough to return what it just finished. */
const FORCE_GRACE_MS = 500;

/**
 * Runs the handler once, on one document or on the documents of a batch, and returns how that ended for each of them.
 * Never throws: whatever happens in a handler is its result.
 */
export function runHandler(run: readonly Held[], options: RunOptions): Promise<HandlerResult[]> {
  const { clock, events, processTimeoutMs, timeLimit } = options;
  const abort = sharedAbort(run);
  const startedAtMs = clock.monotonicMs();
  const stopTimeout = timeLimit.start(() => {
    for (const { document: { id } } of run) {
      events.emit({ type: "handler_timed_out", id, timeoutMs: processTimeoutMs });
    }
    const reason = `The processor took longer than PROCESS_TIMEOUT (${processTimeoutMs} ms)`;
    abort.abort(new ProcessTimeoutError(reason));
  });
  const handler = handle(run, abort, options);
  // One promise, and a flag instead of a race: this runs for every document.
  return new Promise((resolve) => {
    let isOver = false;
    let stopGrace = () => {};
    const stopListening = abort.onAbort((reason) => {
      stopGrace = clock.after(reason instanceof ForcedStopError ? FORCE_GRACE_MS : 0, giveUp);
    });
    const end = (results: HandlerResult[]) => {
      isOver = true;
      stopTimeout();
      stopListening();
      stopGrace();
      resolve(results);
    };
    const fail = (error: unknown) => end(run.map(() => ({ ok: false, error })));
    const giveUp = () => {
      options.onLeftBehind?.(1);
      fail(abort.reason);
    };
    const late = () => {
      options.onLeftBehind?.(-1);
      const elapsedMs = clock.monotonicMs() - startedAtMs;
      for (const { document: { id } } of run) events.emit({ type: "handler_returned_late", id, elapsedMs });
    };
    handler.then(
      (results) => isOver ? late() : end(results),
      // A handler that passes the abort on as an error of its own was interrupted, too.
      (error) => isOver ? late() : fail(abort.aborted ? abort.reason : error),
    );
  });
}

async function handle(
  run: readonly Held[],
  abort: HandlerAbort,
  options: RunOptions,
): Promise<HandlerResult[]> {
  const { logFor, processing } = options;
  const documents = run.map(({ document }) => document);
  if (processing.kind === "batch") {
    const returned = await processing.processBatch(documents.map((document) => document.read()), {
      signal: abort.signal,
      log: logFor(documents.length === 1 ? documents[0] : undefined),
      attempts: documents.map(({ attempt }) => attempt),
      idempotencyKeys: documents.map(({ idempotencyKey }) => idempotencyKey),
    });
    return entriesOf(returned, documents.length);
  }
  const document = documents[0]!;
  const returned = await processing.process(document.read(), {
    get signal() {
      return abort.signal;
    },
    log: logFor(document),
    attempt: document.attempt,
    get idempotencyKey() {
      return document.idempotencyKey;
    },
  });
  return [{ ok: true, set: fieldsToSet(returned) }];
}

/**
 * The abort of a whole run. A document that loses its lease is none of the run's business while others go on: only when
 * all have lost theirs, or the agent is forced to stop, the handler is told.
 */
function sharedAbort(run: readonly Held[]): HandlerAbort {
  if (run.length === 1) return run[0]!.abort;
  const shared = new HandlerAbort();
  let lost = 0;
  for (const { abort } of run) {
    abort.onAbort((reason) => {
      lost += 1;
      if (lost === run.length || !(reason instanceof LeaseLostError)) shared.abort(reason);
    });
  }
  return shared;
}
