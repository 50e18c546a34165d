import type { Events } from "../events.ts";
import type { Held } from "../leases/ledger.ts";
import type { Clock } from "../lib/clock.ts";
import type { HandlerResult } from "../settling/outcome.ts";
import { FailureRow } from "./failure_row.ts";
import { type RunSign, signOf } from "./run_sign.ts";

/** Documents that are tried before the breaker opens, or opens again: one of them may be bad itself. */
const TRIALS = 3;
/** The longest cooldown: so many times the first one, but not longer than this, in milliseconds. */
const LONGEST = { times: 30, ms: 300_000 };
/** A trial that runs for longer than failures do shows that the handler works: at least so long, in milliseconds. */
const LONG_TRIAL = { leastMs: 10_000, times: 2 };

/**
 * - `closed`: documents are claimed as usual.
 * - `half_open`: one document may be claimed and started.
 * - `trying`: it is in its handler. Nothing is claimed.
 * - `open`: nothing is claimed until the cooldown is over.
 */
type BreakerState = "closed" | "half_open" | "trying" | "open";

/**
 * Notices that the handler fails for one document after the other, as it does if a service is down that it calls. Then
 * nothing is claimed, but for one document at a time, until one succeeds. So an outage costs few attempts, however many
 * documents wait.
 *
 * A row of failures may be an outage or a row of bad documents. Three documents from another place are tried at once,
 * one after the other: the first success decides that the documents are bad, and the breaker never opens.
 *
 * A handler may take hours: a trial that has run for far longer than the failures did decides the same, without its end.
 * Otherwise a row of bad documents would keep all slots but one empty for as long.
 *
 * What a run tells counts only if it began under the present state: one that began before tells of the time before.
 */
export class Breaker {
  readonly #options: BreakerOptions;
  readonly #failures: FailureRow;
  readonly #listeners: (() => void)[] = [];
  #state: BreakerState = "closed";
  /** Counts the rows of failures: runs that began before the last one are known by it. */
  #row = 0;
  #trialsLeft = 0;
  /** Trials in a row that told nothing, although they came to an end of their own. */
  #undecided = 0;
  /** Since when it has been open, by the monotonic clock; undefined while it is closed, or the first trials are made. */
  #openSinceMs: number | undefined;
  #cooldownMs: number;
  /** Cancels the end of the cooldown, or of the wait for a trial. */
  #cancelTimer: (() => void) | undefined;
  /** The longest run of those that have failed since the last success, in milliseconds. */
  #longestFailureMs = 0;
  #isStopped = false;

  constructor(options: BreakerOptions) {
    this.#options = options;
    this.#failures = new FailureRow(options.threshold);
    this.#cooldownMs = options.cooldownMs;
  }

  /** Whether documents may be claimed. */
  get letsPass(): boolean {
    return this.#state === "closed" || this.#state === "half_open";
  }

  /** Whether one document may be claimed and no more, from another place than the last. */
  get wantsTrial(): boolean {
    return this.#state === "half_open";
  }

  /** Calls `listener` whenever {@linkcode letsPass} has changed. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /**
   * A handler is about to run, now by the monotonic clock. What it returns is passed to {@linkcode Breaker.ended}.
   */
  started(nowMs = this.#options.clock.monotonicMs()): BreakerRun {
    const { clock } = this.#options;
    const isTrial = this.#state === "half_open";
    if (isTrial) {
      const limitMs = Math.max(LONG_TRIAL.leastMs, LONG_TRIAL.times * this.#longestFailureMs);
      this.#cancelTimer = clock.after(limitMs, () => this.#close());
      this.#enter("trying");
    }
    return { row: this.#row, isTrial, startedAtMs: nowMs };
  }

  /**
   * A run has ended, with a result for each of its documents. Returns whether its failures cost no attempt: it had begun
   * before the handler failed for all, or it was a trial and the last attempt of its document.
   */
  ended(
    { row, isTrial, startedAtMs }: BreakerRun,
    run: readonly Held[],
    results: readonly HandlerResult[],
  ): boolean {
    const { clock, maxAttempts } = this.#options;
    const sign = signOf(results);
    const isTried = isTrial && row === this.#row && this.#state === "trying";
    const isOfNow = isTried || (row === this.#row && this.#state === "closed");
    if (isOfNow && sign === "works") this.#works();
    if (isOfNow && sign === "fails") {
      this.#longestFailureMs = Math.max(this.#longestFailureMs, clock.monotonicMs() - startedAtMs);
    }
    if (isTried) this.#tried(sign, results);
    else if (isOfNow && sign === "fails" && this.#failures.add(run, results)) this.#doubt();
    return isTrial ? run[0]!.document.attempt >= maxAttempts : !isOfNow;
  }

  /** The agent drains: nothing changes any more. */
  stop(): void {
    this.#isStopped = true;
    this.#cancelTimer?.();
  }

  #works(): void {
    this.#failures.end();
    this.#longestFailureMs = 0;
  }

  /** Documents of another place decide: is it the handler, or were these documents bad? */
  #doubt(): void {
    if (this.#isStopped) return;
    this.#row += 1;
    this.#trialsLeft = TRIALS;
    this.#undecided = 0;
    // Closed for a moment: documents that wait, or that are just being claimed, come from the same place.
    this.#enter("open");
    this.#enter("half_open");
  }

  #tried(sign: RunSign, results: readonly HandlerResult[]): void {
    if (this.#isStopped) return;
    this.#cancelTimer?.();
    if (sign === "works" || this.#isUndecidedForLong(sign)) return this.#close();
    if (sign === "fails") this.#trialsLeft -= 1;
    if (this.#trialsLeft > 0) this.#enter("half_open");
    else this.#open(results);
  }

  /**
   * A handler that rejects one document after the other for good, or puts them off, works. A single such end proves
   * nothing: it may come before the handler calls the service that is down.
   */
  #isUndecidedForLong(sign: RunSign): boolean {
    this.#undecided = sign === "undecided" ? this.#undecided + 1 : 0;
    return this.#undecided >= this.#options.threshold;
  }

  #open(results: readonly HandlerResult[]): void {
    const { clock, cooldownMs, events } = this.#options;
    const failed = results.find(({ ok }) => !ok) as { error: unknown } | undefined;
    const nowMs = clock.monotonicMs();
    const isAgain = this.#openSinceMs !== undefined;
    this.#openSinceMs ??= nowMs;
    this.#cooldownMs = isAgain ? Math.min(2 * this.#cooldownMs, longestMs(cooldownMs)) : cooldownMs;
    this.#enter("open");
    this.#cancelTimer = clock.after(this.#cooldownMs, () => this.#halfOpen());
    events.emit({
      type: "breaker_opened",
      error: failed?.error,
      retryInMs: this.#cooldownMs,
      openForMs: nowMs - this.#openSinceMs,
      isAgain,
      isLasting: nowMs - this.#openSinceMs >= longestMs(cooldownMs),
    });
  }

  #halfOpen(): void {
    this.#trialsLeft = TRIALS;
    this.#undecided = 0;
    this.#options.events.emit({ type: "breaker_half_opened" });
    this.#enter("half_open");
  }

  #close(): void {
    const { clock, events } = this.#options;
    const sinceMs = this.#openSinceMs;
    this.#openSinceMs = undefined;
    this.#failures.end();
    if (sinceMs !== undefined) {
      events.emit({ type: "breaker_closed", openForMs: clock.monotonicMs() - sinceMs });
    }
    this.#enter("closed");
  }

  #enter(state: BreakerState): void {
    const before = this.letsPass;
    this.#state = state;
    if (this.letsPass === before) return;
    for (const listener of this.#listeners) listener();
  }
}

/** The longest cooldown, in milliseconds: five minutes, unless the first one is longer, or far shorter. */
function longestMs(cooldownMs: number): number {
  return Math.max(cooldownMs, Math.min(LONGEST.times * cooldownMs, LONGEST.ms));
}

/** A run, as far as a {@linkcode Breaker} knows it. */
export interface BreakerRun {
  readonly row: number;
  readonly isTrial: boolean;
  /** By the monotonic clock. */
  readonly startedAtMs: number;
}

/** What a {@linkcode Breaker} needs. */
export interface BreakerOptions {
  clock: Clock;
  events: Events;
  /** So many documents have to fail in a row; 0: it stays closed. */
  threshold: number;
  /** How long it is open at first, in milliseconds. */
  cooldownMs: number;
  /** No trial takes the last attempt of a document. */
  maxAttempts: number;
}
