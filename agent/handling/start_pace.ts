import type { Details } from "../details.ts";
import type { Held } from "../leases/ledger.ts";
import type { Clock } from "../lib/clock.ts";
import type { RateLimiter } from "../pacing/rate_limiter.ts";

/** Holds the starts of handlers to `RATE_LIMIT`. */
export class StartPace {
  readonly #options: StartPaceOptions;
  /** Takes back the turn that is to come; undefined if none is. */
  #cancel: (() => void) | undefined;

  constructor(options: StartPaceOptions) {
    this.#options = options;
  }

  /**
   * How many of `count` documents may start now, together: 0 if they have to wait. Then the pool gets its turn once they
   * may.
   */
  admit(count: number): number {
    const { limiter } = this.#options;
    const together = limiter.together(count);
    const inMs = limiter.startInMs(together);
    limiter.hold("starts", inMs > 0);
    if (inMs === 0) return together;
    // Without a share there is no turn: a change of the share gives it.
    if (Number.isFinite(inMs)) this.#turnIn(inMs);
    return 0;
  }

  /** These documents start. */
  started(run: readonly Held[]): void {
    const { clock, details, limiter } = this.#options;
    limiter.started(run.length);
    if (!details?.isWanted) return;
    const nowMs = clock.monotonicMs();
    for (const { document } of run) {
      details.emit({ type: "start_limited", waitMs: nowMs - document.leasedAtMs });
    }
  }

  /** No document waits for a start any more. */
  nothingWaits(): void {
    this.#options.limiter.hold("starts", false);
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #turnIn(inMs: number): void {
    const { clock, pool } = this.#options;
    this.#cancel ??= clock.after(Math.ceil(inMs), () => {
      this.#cancel = undefined;
      pool.takeTurn();
    });
  }
}

/** What a {@linkcode StartPace} needs. */
export interface StartPaceOptions {
  clock: Clock;
  details?: Details | undefined;
  limiter: RateLimiter;
  /** Gets its turn when documents that had to wait may start. */
  pool: { takeTurn(): void };
}
