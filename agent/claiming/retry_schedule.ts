import type { Clock } from "../lib/clock.ts";

/** Due times closer together than this wake the loop once, in milliseconds. */
const GRANULARITY_MS = 100;
/** A retry that is far away may be late by one part in this many, which bounds what has to be remembered. */
const PRECISION = 64;

/** Wakes the loop when a retry that this agent scheduled is due, so that it does not wait for the next poll. */
export class RetrySchedule {
  readonly #clock: Clock;
  readonly #wake: () => void;
  /** Due times by the monotonic clock, in multiples of the granularity. */
  readonly #due = new Set<number>();
  #timer: { due: number; cancel: () => void } | undefined;

  constructor(clock: Clock, wake: () => void) {
    this.#clock = clock;
    this.#wake = wake;
  }

  /** Whether no retry is waiting to become due. */
  get isEmpty(): boolean {
    return this.#due.size === 0;
  }

  /** Remembers a retry that is due in `delayMs`. */
  add(delayMs: number): void {
    const coarser = Math.max(0, Math.floor(Math.log2(Math.max(1, delayMs / GRANULARITY_MS / PRECISION))));
    const stepMs = GRANULARITY_MS * 2 ** coarser;
    const dueMs = Math.ceil((this.#clock.monotonicMs() + delayMs) / stepMs) * stepMs;
    this.#due.add(dueMs / GRANULARITY_MS);
    this.#arm();
  }

  /** Forgets everything. */
  stop(): void {
    this.#due.clear();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(): void {
    let first = Infinity;
    for (const due of this.#due) first = Math.min(first, due);
    if (first === Infinity || (this.#timer && this.#timer.due <= first)) return;
    this.#timer?.cancel();
    // A timer counts its milliseconds in 32 bits; a later one is armed again when this one fires.
    const delayMs = Math.min(first * GRANULARITY_MS - this.#clock.monotonicMs(), 2 ** 31 - 1);
    this.#timer = { due: first, cancel: this.#clock.after(Math.max(0, delayMs), () => this.#fire()) };
  }

  #fire(): void {
    this.#timer = undefined;
    const now = this.#clock.monotonicMs() / GRANULARITY_MS;
    let isDue = false;
    for (const due of this.#due) {
      if (due > now) continue;
      this.#due.delete(due);
      isDue = true;
    }
    if (isDue) this.#wake();
    this.#arm();
  }
}
