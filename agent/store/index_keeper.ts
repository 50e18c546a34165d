import { backoffMs } from "../lib/backoff.ts";
import type { Chance } from "../lib/chance.ts";
import type { TimeAndChance } from "../lib/time_and_chance.ts";
import { errorText, SourceError } from "../errors.ts";
import type { Logger } from "../telemetry/logger.ts";
import { InterruptibleSleep } from "../lib/interruptible_sleep.ts";
import { isNoCollection } from "./mongo_errors.ts";
import type { MongoStore } from "./mongo_store.ts";

/** An index may be dropped while the agent runs, and no event reports that: time between two looks, in milliseconds. */
const LOOK_EVERY_MS = 5 * 60_000;
/**
 * Codes of a build that was ended, or is under way already: IndexBuildAborted, IndexBuildAlreadyInProgress, and that of a
 * server that makes one index of a collection at a time.
 */
const ENDED_BUILD = new Set([276, 285, 40_333]);
/** The part of the message that differs between two errors of the same build. */
const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
const RETRY = { baseMs: 1000, maxMs: 10_000 };

/** Keeps the indexes that claims need, as long as the agent runs. */
export class IndexKeeper {
  readonly #store: MongoStore;
  readonly #log: Logger;
  readonly #lookEveryMs: number;
  readonly #random: Chance;
  readonly #wakeup: InterruptibleSleep;
  readonly #stop = new AbortController();
  #told: readonly string[] = [];

  constructor({ clock, random, store, log, lookEveryMs = LOOK_EVERY_MS }: IndexKeeperOptions) {
    this.#store = store;
    this.#log = log;
    this.#lookEveryMs = lookEveryMs;
    this.#random = random;
    this.#wakeup = new InterruptibleSleep(clock);
  }

  /** Makes missing indexes, at once and whenever one is missing again. Resolves once it is stopped; never throws. */
  async run(): Promise<void> {
    const { signal } = this.#stop;
    // It subscribes only now: the change that starts it would make it look twice.
    this.#store.source.onChange(() => this.#wakeup.wake());
    for (let failures = 0; !signal.aborted;) {
      let delayMs = this.#lookEveryMs;
      try {
        const problems = await this.#store.ensureIndexes();
        failures = 0;
        this.#tell(problems);
      } catch (error) {
        // The connection was closed as well.
        if (signal.aborted) return;
        failures += 1;
        if (this.#passes(error)) delayMs = 500 + backoffMs(failures, { ...RETRY, random: this.#random });
      }
      await this.#wakeup.sleep(delayMs, signal);
    }
  }

  /** Ends it. */
  stop(): void {
    this.#stop.abort();
  }

  /** Whether another try soon is worth it. If not, reports why. */
  #passes(error: unknown): boolean {
    // The claims report this, and look often enough: the source tells when the collection exists.
    if (error instanceof SourceError) return false;
    if (isNoCollection(error)) {
      // It was dropped a moment ago.
      this.#store.source.forget();
      return false;
    }
    // An index of a large collection takes longer than an answer may: the server goes on with it, and the agent asks
    // again.
    const isTransient = this.#store.isTransient(error) && !this.#store.isForbidden(error);
    if (isTransient || ENDED_BUILD.has(Number((error as { code?: unknown }).code))) {
      this.#log.debug("The indexes that claims need are not there yet", { error: errorText(error) });
      return true;
    }
    const why = errorText(error).replace(UUID, "...");
    this.#tell([
      `Cannot make the indexes that claims need (${why}): make them as \`pulling-agent doctor\` prints, or set ENSURE_INDEXES=false`,
    ]);
    return false;
  }

  /** Reports each problem once, as long as it lasts. */
  #tell(problems: readonly string[]): void {
    for (const problem of problems) {
      if (!this.#told.includes(problem)) {
        this.#log.warn(problem, { effect: "claims get slow as the collection grows" });
      }
    }
    if (problems.length === 0) {
      if (this.#told.length > 0) this.#log.info("The indexes that claims need are there again");
      else this.#log.debug("The indexes that claims need are there");
    }
    this.#told = problems;
  }
}

/** What an {@linkcode IndexKeeper} needs. */
export interface IndexKeeperOptions extends TimeAndChance {
  store: MongoStore;
  log: Logger;
  /** Time between two looks, in milliseconds. */
  lookEveryMs?: number;
}
