import { backoffMs } from "../lib/backoff.ts";
import type { TimeAndChance } from "../lib/time_and_chance.ts";
import { sleep } from "../lib/deadline.ts";
import { SourceError } from "../errors.ts";
import type { Events } from "../events.ts";
import type { Logger } from "../telemetry/logger.ts";
import { CertificateWatch } from "./certificate_watch.ts";
import { IndexKeeper } from "./index_keeper.ts";
import type { MongoStore } from "./mongo_store.ts";

const BACKOFF = { baseMs: 1000, maxMs: 10_000 };

/** What {@linkcode prepareStore} needs besides the store. */
export interface PrepareStoreOptions extends TimeAndChance {
  events: Events;
  log: Logger;
  ensureIndexes: boolean;
  /** The collections that writes of processors may go to, if a setting names them. */
  writesTo?: readonly string[] | undefined;
}

/**
 * Connects and keeps the indexes, in the background, and retries as often as needed: the agent starts without a
 * database as well. Returns a function that ends it.
 */
export function prepareStore(store: MongoStore, options: PrepareStoreOptions): () => void {
  const { clock, ensureIndexes, events, log, random, writesTo = [] } = options;
  const stop = new AbortController();
  const indexes = ensureIndexes ? new IndexKeeper({ clock, random, store, log }) : undefined;
  store.listen({
    onReachable: (isReachable, error) =>
      events.emit({ type: "reachable_changed", isReachable, ...(error === undefined ? {} : { error }) }),
    onRenewed: () =>
      log.info("Connected to MongoDB anew, with the changed connection string or certificates"),
    onStale: (error) =>
      log.warn(
        "The connection string or its certificates have changed and cannot be used: the earlier ones stay in use",
        { error },
      ),
  });
  store.source.onChange(() => {
    if (store.source.warning !== undefined) log.warn(store.source.warning);
  });
  let noted: string | undefined;
  const tell = (by: "question" | "use") => {
    const server = store.server.note;
    // If the agent cannot work with it, the claims report that.
    if (server === undefined || !store.server.isUsable || JSON.stringify(server) === noted) return;
    noted = JSON.stringify(server);
    events.emit({ type: "server_known", server, by });
  };
  store.server.onLearned(() => tell("question"));
  store.server.abilities.onChange(() => tell("use"));
  store.guardSource();
  const certificates = new CertificateWatch({ certificates: () => store.certificates(), clock, log });
  const onConnected = () => {
    certificates.run();
    if (writesTo.length === 0 || !store.isStandalone) return;
    // Without the setting, only the first document that asks for writes can tell.
    log.error(
      "WRITES_TO needs transactions, which a standalone server has not: make MongoDB a replica set, of one member or more",
    );
  };
  prepare(store, indexes, onConnected, { clock, random, stop: stop.signal });
  return () => {
    stop.abort();
    certificates.stop();
    indexes?.stop();
  };
}

/** How it is retried. */
interface Retrying extends TimeAndChance {
  stop: AbortSignal;
}

async function prepare(
  store: MongoStore,
  indexes: IndexKeeper | undefined,
  onConnected: () => void,
  retrying: Retrying,
): Promise<void> {
  // The claims fail for the same reason as the connection, and their failures are reported.
  await untilDone(() => store.connect(), () => true, retrying);
  if (!retrying.stop.aborted) onConnected();
  // Claims look too. But a paused agent claims nothing, and still has to know whether it is ready.
  await untilDone(() => store.ensureUsable(), (error) => !(error instanceof SourceError), retrying)
    .catch(() => {});
  await indexes?.run();
}

/** Tries until it succeeds or is stopped. Throws the errors that `mayPass` returns false for. */
async function untilDone(
  act: () => Promise<void>,
  mayPass: (error: unknown) => boolean,
  { clock, random, stop }: Retrying,
): Promise<void> {
  for (let failures = 1; !stop.aborted; failures++) {
    try {
      return await act();
    } catch (error) {
      if (!mayPass(error)) throw error;
      await sleep(clock, 500 + backoffMs(failures, { ...BACKOFF, random }), stop);
    }
  }
}
