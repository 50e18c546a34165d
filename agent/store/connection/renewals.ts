import type { Clock } from "../../lib/clock.ts";
import { InterruptibleSleep } from "../../lib/interruptible_sleep.ts";

/**
 * Time between two checks of what a connection is made of, in milliseconds: a mounted secret takes a minute to change.
 */
const LOOK_MS = 5000;
/**
 * Time between attempts while the server does not let the agent in, in milliseconds: it may log each, or lock the user.
 */
const REFUSED_MS = [1000, 2000, 5000, 10_000] as const;
/** A refusal this long after the last attempt, in milliseconds, is a new one, and the first attempt comes at once. */
const CALM_MS = 60_000;

/**
 * Decides when to connect anew. There is one loop, for changes and for refusals. A server that has just refused the
 * agent is not asked again at once, however often connections are made and refused meanwhile.
 */
export class Renewals {
  readonly #options: RenewalsOptions;
  readonly #wakeup: InterruptibleSleep;
  #isWatching = false;
  #loop: Promise<void> | undefined;
  /** Attempts in a row that a refusal led to. */
  #tries = 0;
  #lastTryMs = -Infinity;

  constructor(options: RenewalsOptions) {
    this.#options = options;
    this.#wakeup = new InterruptibleSleep(options.clock);
  }

  /** Looks for changes from now on. */
  watch(): void {
    this.#isWatching = true;
    this.#start();
  }

  /** The server does not let the agent in any more. */
  refused(): void {
    this.#wakeup.wake();
    this.#start();
  }

  /** Resolves once what is under way has ended. */
  async ended(): Promise<void> {
    await this.#loop;
  }

  #start(): void {
    this.#loop ??= this.#run();
  }

  async #run(): Promise<void> {
    const { isRefused, renew, signal } = this.#options;
    while (!signal.aborted && (this.#isWatching || isRefused())) {
      const wasRefused = isRefused();
      await this.#wakeup.sleep(wasRefused ? this.#untilNextTryMs() : LOOK_MS, signal);
      if (signal.aborted) return;
      if (!isRefused()) await renew(false);
      else if (this.#untilNextTryMs() === 0) {
        this.#noteTry();
        await renew(true);
      }
    }
    // It is set at once: a refusal from now on needs a loop of its own.
    this.#loop = undefined;
  }

  #untilNextTryMs(): number {
    const sinceMs = this.#options.clock.monotonicMs() - this.#lastTryMs;
    const pauseMs = this.#tries === 0 ? 0 : REFUSED_MS[Math.min(this.#tries, REFUSED_MS.length) - 1]!;
    return Math.max(0, pauseMs - sinceMs);
  }

  #noteTry(): void {
    const nowMs = this.#options.clock.monotonicMs();
    this.#tries = nowMs - this.#lastTryMs > CALM_MS ? 1 : this.#tries + 1;
    this.#lastTryMs = nowMs;
  }
}

/** What {@linkcode Renewals} needs. */
export interface RenewalsOptions {
  clock: Clock;
  /** The server does not let the agent in. */
  isRefused(): boolean;
  /** Connects anew if what the connection is made of has changed; `isRefused`: in any case. Never throws. */
  renew(isRefused: boolean): Promise<void>;
  /** Aborted when all is over. */
  signal: AbortSignal;
}
