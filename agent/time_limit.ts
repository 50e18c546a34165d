import type { Clock } from "./clock.ts";

interface Running {
  dueMs: number;
  exceeded(): void;
}

/**
 * The same time limit for many runs: whoever starts first exceeds it first, so that one timer, for the first of them,
 * is enough. A timer a document would be a good part of what a document costs.
 */
export class TimeLimit {
  readonly #clock: Clock;
  readonly #limitMs: number;
  /** In the order of their start. */
  readonly #running = new Set<Running>();
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, limitMs: number) {
    this.#clock = clock;
    this.#limitMs = limitMs;
  }

  /** Calls `exceeded` unless the returned function, which says that the run is over, is called within the limit. */
  start(exceeded: () => void): () => void {
    const run = { dueMs: this.#clock.monotonicMs() + this.#limitMs, exceeded };
    this.#running.add(run);
    this.#cancel ??= this.#clock.after(this.#limitMs, () => this.#look());
    return () => this.#end(run);
  }

  #end(run: Running): void {
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
      run.exceeded();
    }
  }
}
