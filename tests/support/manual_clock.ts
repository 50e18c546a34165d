import { setImmediate } from "node:timers/promises";
import type { Clock } from "../../agent/lib/clock.ts";

interface Timer {
  readonly dueMs: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Time that passes only when a test says so. */
export class ManualClock implements Clock {
  #nowMs: number;
  #order = 0;
  readonly #timers = new Set<Timer>();

  constructor(startMs = 1000) {
    this.#nowMs = startMs;
  }

  /** Timers that have neither fired nor been cancelled. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Milliseconds until the next timer is due; undefined if there is none. */
  get nextInMs(): number | undefined {
    const next = this.#next(Infinity);
    return next && next.dueMs - this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    if (!Number.isFinite(delayMs)) throw new Error(`A timer was asked to wait ${delayMs} ms`);
    const timer = { dueMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Lets `ms` pass: runs all timers due by then, in order, and after each lets the code that waited for it go on. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await settled();
    for (let timer = this.#next(endMs); timer; timer = this.#next(endMs)) {
      this.#timers.delete(timer);
      this.#nowMs = Math.max(this.#nowMs, timer.dueMs);
      timer.callback();
      await settled();
    }
    this.#nowMs = endMs;
  }

  /** Lets time pass without running a timer: a process that was frozen, or an event loop that was busy. */
  skip(ms: number): void {
    this.#nowMs += ms;
  }

  #next(endMs: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.dueMs > endMs) continue;
      if (!first || timer.dueMs < first.dueMs || (timer.dueMs === first.dueMs && timer.order < first.order)) {
        first = timer;
      }
    }
    return first;
  }
}

/** Resolves once everything that can go on without time passing has done so. */
export async function settled(): Promise<void> {
  // A turn of the event loop starts only when the queue of microtasks is empty.
  await setImmediate();
}
