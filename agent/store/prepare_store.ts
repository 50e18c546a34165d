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
  store.onReachable((isReachable) => events.emit({ type: "reachable_changed", isReachable }));
  const attempt = async (failures: number): Promise<void> => {
    try {
      await store.connect();
    } catch {
      // The claims fail of the same cause, and their failures are reported.
      await sleep(systemClock, 500 + backoffMs(failures, BACKOFF), stop.signal);
      if (!stop.signal.aborted) return await attempt(failures + 1);
    }
    if (ensureIndexes && !stop.signal.aborted) await tryIndexes(store, log);
  };
  attempt(1);
  return () => stop.abort();
}

async function tryIndexes(store: MongoStore, log: Logger): Promise<void> {
  try {
    await store.ensureIndexes();
    log.debug("The index that claims need is there");
  } catch (error) {
    log.warn("Cannot make the index that claims need: claims get slow as the collection grows", {
      error: errorText(error),
      mend: "make it by hand or set ENSURE_INDEXES=false",
    });
  }
}
