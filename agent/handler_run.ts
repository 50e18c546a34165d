import type { Clock } from "./clock.ts";
import { ForcedStopError, LeaseLostError, ProcessTimeoutError } from "./errors.ts";
import type { Events } from "./events.ts";
import type { Held } from "./ledger.ts";
import type { HandlerResult } from "./outcome.ts";
import type { LeasedDocument } from "./ports.ts";
import type { Processing, ProcessorLog } from "./processors/processor.ts";
import { entriesOf, fieldsToSet } from "./processors/result.ts";

/** What a run of a handler needs. */
export interface RunOptions {
  clock: Clock;
  events: Events;
  processing: Processing;
  processTimeoutMs: number;
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
export async function runHandler(run: readonly Held[], options: RunOptions): Promise<HandlerResult[]> {
  const { clock, events, processTimeoutMs } = options;
  const abort = sharedAbort(run);
  const ids = run.map(({ document }) => document.id);
  const startedAtMs = clock.monotonicMs();
  const cancelTimeout = clock.after(processTimeoutMs, () => {
    for (const id of ids) events.emit({ type: "handler_timed_out", id, timeoutMs: processTimeoutMs });
    const reason = `The processor took longer than PROCESS_TIMEOUT (${processTimeoutMs} ms)`;
    abort.abort(new ProcessTimeoutError(reason));
  });
  const handler = handle(run, abort.signal, options);
  let ended = false;
  const markEnded = () => ended = true;
  handler.then(markEnded, markEnded);
  const given = givenUp(abort.signal, clock);
  try {
    return await Promise.race([handler, given.up]);
  } catch (error) {
    const fail = (reason: unknown) => run.map((): HandlerResult => ({ ok: false, error: reason }));
    if (!abort.signal.aborted) return fail(error);
    if (!ended) {
      options.onLeftBehind?.(1);
      const late = () => {
        options.onLeftBehind?.(-1);
        const elapsedMs = clock.monotonicMs() - startedAtMs;
        for (const id of ids) events.emit({ type: "handler_returned_late", id, elapsedMs });
      };
      handler.then(late, late);
    }
    // A handler that passes the abort on as an error of its own was interrupted, too.
    return fail(abort.signal.reason);
  } finally {
    cancelTimeout();
    given.cancel();
  }
}

async function handle(
  run: readonly Held[],
  signal: AbortSignal,
  options: RunOptions,
): Promise<HandlerResult[]> {
  const { logFor, processing } = options;
  const documents = run.map(({ document }) => document);
  if (processing.kind === "batch") {
    const returned = await processing.processBatch(documents.map((document) => document.read()), {
      signal,
      log: logFor(documents.length === 1 ? documents[0] : undefined),
      attempts: documents.map(({ attempt }) => attempt),
      idempotencyKeys: documents.map(({ idempotencyKey }) => idempotencyKey),
    });
    return entriesOf(returned, documents.length);
  }
  const document = documents[0]!;
  const returned = await processing.process(document.read(), {
    signal,
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
function sharedAbort(run: readonly Held[]): AbortController {
  if (run.length === 1) return run[0]!.abort;
  const shared = new AbortController();
  let lost = 0;
  for (const { abort: { signal } } of run) {
    signal.addEventListener("abort", () => {
      lost += 1;
      if (lost === run.length || !(signal.reason instanceof LeaseLostError)) shared.abort(signal.reason);
    });
  }
  return shared;
}

/** `up` rejects once a handler that was told to stop is no longer waited for. */
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
