import type { Clock } from "../lib/clock.ts";

/** A run whose time is limited. */
export interface Timed {
  /** Set by {@linkcode SharedDeadline.start}: when its time is over, by the monotonic clock. */
  dueMs: number;
  /** Called when its time is over. */
  timedOut(): void;
}

/**
 * One time limit for many runs. The run that starts first exceeds it first, so one timer, for the first run, is enough.
 * A timer per document would be a large part of what a document costs.
 */
export class SharedDeadline<T extends Timed = Timed> {
  readonly #clock: Clock;
  readonly #limitMs: number;
  /** In the order of their start. */
  readonly #running = new Set<T>();
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, limitMs: number) {
    this.#clock = clock;
    this.#limitMs = limitMs;
  }

  /** Calls `run` when it exceeds the limit, unless {@linkcode SharedDeadline.end} was called for it before. */
  start(run: T, nowMs = this.#clock.monotonicMs()): void {
    run.dueMs = nowMs + this.#limitMs;
    this.#running.add(run);
    this.#cancel ??= this.#clock.after(this.#limitMs, () => this.#look());
  }

  /** Those that run, longest first. */
  get running(): Iterable<T> {
    return this.#running;
  }

  /** The run is over. */
  end(run: T): void {
    this.#running.delete(run);
    if (this.#running.size > 0) return;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #look(): void {
    this.#cancel = undefined;
    const now = this.#clock.monotonicMs();
    for (const run of this.#running) {
      if (run.dueMs > now) {
        this.#cancel ??= this.#clock.after(run.dueMs - now, () => this.#look());
        return;
      }
      this.#running.delete(run);
      run.timedOut();
    }
  }
}
