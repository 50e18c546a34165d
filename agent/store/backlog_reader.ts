import type { Collection } from "mongodb";
import { type Backlog, MAX_COUNTED } from "../events.ts";
import { LetterCount } from "./dead_letters/letter_count.ts";
import { WaitingCount, type WaitingCountOptions } from "./waiting_count.ts";

/** The server gives up each query after this long, in milliseconds: a gauge is not worth more of its time. */
const MAX_TIME_MS = 1000;

/** What a look has found, and why it has not found more. */
export interface BacklogLook {
  readonly backlog: Backlog;
  /** The first error, if anything is not known: a right is missing, the server is too slow or out of reach. */
  readonly problem?: unknown;
}

/**
 * Counts what waits, so that neither the server nor a claim notices it: at most {@linkcode MAX_COUNTED} of each, and a
 * second for each query.
 *
 * It asks the primary. On a secondary that lags, documents that are done would be old ones that wait.
 */
export class BacklogReader {
  readonly #letters: LetterCount;
  readonly #waiting: WaitingCount;

  constructor(options: BacklogReaderOptions) {
    const limits = { limit: MAX_COUNTED, maxTimeMS: MAX_TIME_MS };
    this.#letters = new LetterCount({ ...options, ...limits });
    this.#waiting = new WaitingCount({ ...options, ...limits });
  }

  /** Looks once. Never throws: what cannot be found out is not known. One look at a time. */
  async look(): Promise<BacklogLook> {
    const { claimable, oldestMs, problems } = await this.#waiting.look();
    const all = [...problems];
    let deadLetters: number | undefined;
    try {
      deadLetters = await this.#letters.read();
    } catch (error) {
      all.push(error);
    }
    const backlog = { claimable, oldestMs, deadLetters };
    return all.length === 0 ? { backlog } : { backlog, problem: all[0] };
  }
}

/** What a {@linkcode BacklogReader} needs. */
export interface BacklogReaderOptions extends Omit<WaitingCountOptions, "limit" | "maxTimeMS" | "maxLookMs"> {
  letters: Collection;
}
