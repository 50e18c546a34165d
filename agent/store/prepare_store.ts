import { backoffMs } from "../backoff.ts";
import { sleep, systemClock } from "../clock.ts";
import { errorText } from "../errors.ts";
import type { Events } from "../events.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { MongoStore } from "./mongo_store.ts";

const BACKOFF = { baseMs: 1000, maxMs: 10_000 };

/**
 * Connects and makes the index, in the background, as often as it takes: the agent starts without a database as well.
 * Returns a function that ends it.
 */
export function prepareStore(
  store: MongoStore,
  { events, log, ensureIndexes }: { events: Events; log: Logger; ensureIndexes: boolean },
): () => void {
  const stop = new AbortController();
  store.listen({
    onReachable: (isReachable, error) =>
      events.emit({ type: "reachable_changed", isReachable, ...(error === undefined ? {} : { error }) }),
    onRenewed: () => log.info("Connected to MongoDB anew, with the changed connection string"),
    onStale: (error) =>
      log.warn("The connection string has changed and cannot be used: the earlier one stays in use", {
        error,
      }),
  });
  prepare(store, log, ensureIndexes, stop.signal);
  return () => stop.abort();
}

async function prepare(
  store: MongoStore,
  log: Logger,
  ensureIndexes: boolean,
  stop: AbortSignal,
): Promise<void> {
  // The claims fail of the same cause as the connection, and their failures are reported.
  await untilDone(() => store.connect(), () => true, stop);
  if (!ensureIndexes) return;
  try {
    await untilDone(() => store.ensureIndexes(), (error) => worthAnotherTry(error, store, log), stop);
    if (!stop.aborted) log.debug("The indexes that claims need are there");
  } catch (error) {
    // Whoever stopped it has closed the connection as well.
    if (stop.aborted) return;
    log.warn("Cannot make the index that claims need: claims get slow as the collection grows", {
      error: errorText(error),
      mend: "make it by hand or set ENSURE_INDEXES=false",
    });
  }
}

/** An index of a large collection takes longer than an answer may: the server goes on, and is asked again. */
function worthAnotherTry(error: unknown, store: MongoStore, log: Logger): boolean {
  if (!store.isTransient(error) || store.isForbidden(error)) return false;
  log.debug("The indexes that claims need are not there yet", { error: errorText(error) });
  return true;
}

/** Tries until it succeeds or is told to stop; throws what `mayPass` says will not pass. */
async function untilDone(
  act: () => Promise<void>,
  mayPass: (error: unknown) => boolean,
  stop: AbortSignal,
): Promise<void> {
  for (let failures = 1; !stop.aborted; failures++) {
    try {
      return await act();
    } catch (error) {
      if (!mayPass(error)) throw error;
      await sleep(systemClock, 500 + backoffMs(failures, BACKOFF), stop);
    }
  }
}
