import { backoffMs } from "../../lib/backoff.ts";
import { sleep } from "../../lib/deadline.ts";
import type { TimeAndChance } from "../../lib/time_and_chance.ts";
import type { ForeignLog } from "../foreign_log.ts";
import { ServiceError, StatusError } from "./service_error.ts";

/** Failures of the service itself, in a row, after which it gets one document at a time. */
const MAX_IN_A_ROW = 10;
/** Bounds of the wait before it gets the next one, in milliseconds. */
const PROBE = { baseMs: 400, maxMs: 10_000 };
/** A retry waits so many times as long if the service itself has failed. */
const PATIENCE = 4;

/**
 * Keeps a service that is down, or an address that is wrong, from using up the attempts of a whole collection. Such a
 * failure comes at once and for each document, so that all of them could be dead letters before the service is back.
 * So their retries wait longer, and the service gets one document at a time until it answers.
 */
export class Restraint {
  readonly #options: RestraintOptions;
  #inARow = 0;
  /** Documents that it got since then, one at a time, in vain. */
  #probes = 0;

  constructor(options: RestraintOptions) {
    this.#options = options;
  }

  /** So many requests make sense at the same time. */
  get slots(): number {
    return this.#isDown ? 1 : Infinity;
  }

  /**
   * Calls `post` when a request makes sense, and learns from how it ends.
   *
   * @throws What `post` throws. A {@linkcode ServiceError} tells when to retry.
   */
  async during<T>(post: () => Promise<T>, { attempt, signal }: Run): Promise<T> {
    const { clock } = this.#options;
    const isProbe = this.#isDown;
    if (isProbe) await sleep(clock, this.#waitMs(), signal);
    try {
      const answer = await post();
      this.#answered();
      return answer;
    } catch (error) {
      if (error instanceof StatusError) this.#setWait(error, attempt);
      if (error instanceof ServiceError) this.#failed(error, isProbe);
      // A request that was aborted tells nothing.
      else if (!signal.aborted) this.#answered();
      throw error;
    }
  }

  get #isDown(): boolean {
    return this.#inARow >= MAX_IN_A_ROW;
  }

  #waitMs(): number {
    const maxMs = Math.min(PROBE.maxMs, this.#options.processTimeoutMs / 4);
    return this.#longBackoffMs(this.#probes + 1, { baseMs: PROBE.baseMs, maxMs });
  }

  /** A service cannot put a document off for longer than a processor may, nor shorten the wait for itself. */
  #setWait(error: StatusError, attempt: number): void {
    const { maxSnoozeMs, retryBackoffMs, retryBackoffMaxMs } = this.#options;
    const asked = error.retryAfterMs;
    if (asked !== undefined) error.retryAfterMs = Math.min(asked, maxSnoozeMs);
    if (!(error instanceof ServiceError)) return;
    const bounds = { baseMs: PATIENCE * retryBackoffMs, maxMs: retryBackoffMaxMs };
    error.retryAfterMs = Math.max(error.retryAfterMs ?? 0, this.#longBackoffMs(attempt, bounds));
  }

  #failed(error: ServiceError, isProbe: boolean): void {
    const { log } = this.#options;
    if (isProbe) this.#probes += 1;
    this.#inARow += 1;
    if (this.#inARow !== MAX_IN_A_ROW) return;
    log.write("WARNING", "The service cannot be used, so it gets one document at a time until it answers", {
      error: error.message,
      failures: this.#inARow,
    });
  }

  /** From the half of the bound up: a short wait would spend an attempt for nothing. */
  #longBackoffMs(retry: number, bounds: { baseMs: number; maxMs: number }): number {
    return backoffMs(retry, { ...bounds, random: () => (1 + this.#options.random()) / 2 });
  }

  #answered(): void {
    const wasDown = this.#isDown;
    this.#inARow = 0;
    this.#probes = 0;
    if (wasDown) this.#options.log.write("INFO", "The service answers, and gets documents as before");
  }
}

/** A request, as far as it matters here. */
interface Run {
  readonly attempt: number;
  readonly signal: AbortSignal;
}

/** What a {@linkcode Restraint} needs. Times are in milliseconds. */
export interface RestraintOptions extends TimeAndChance {
  readonly log: ForeignLog;
  readonly maxSnoozeMs: number;
  readonly processTimeoutMs: number;
  readonly retryBackoffMs: number;
  readonly retryBackoffMaxMs: number;
}
