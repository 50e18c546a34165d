import type { Clock } from "../lib/clock.ts";
import type { InterruptibleSleep } from "../lib/interruptible_sleep.ts";

/** Due times closer together than this wake the loop once, in milliseconds. */
const GRANULARITY_MS = 100;
/** A retry that is far away may be late by this part of its delay, which bounds what has to be remembered. */
const PRECISION = 64;

/**
 * The server's clock may be this far behind the agent's estimate of it, in milliseconds: a document that is due for the
 * agent may not be due for the server yet.
 */
const CLOCKS_APART_MS = 500;

/** Wakes the loop when a retry that this agent scheduled is due, so that it does not wait for the next poll. */
export class RetrySchedule {
  readonly #clock: Clock;
  readonly #wakeup: Pick<InterruptibleSleep, "wake">;
  readonly #untilEmpty: boolean;
  /** Due times by the monotonic clock, in multiples of the granularity. */
  readonly #due = new Set<number>();
  #timer: { due: number; cancel: () => void } | undefined;
  #isStopped = false;

  constructor({ clock, wakeup, untilEmpty = false }: RetryScheduleOptions) {
    this.#clock = clock;
    this.#wakeup = wakeup;
    this.#untilEmpty = untilEmpty;
  }

  /** Whether no retry is waiting to become due. */
  get isEmpty(): boolean {
    return this.#due.size === 0;
  }

  /** Remembers a retry that is due in `delayMs`. */
  add(delayMs: number): void {
    if (this.#isStopped) return;
    this.#remember(delayMs);
    if (this.#untilEmpty) this.#remember(delayMs + CLOCKS_APART_MS);
  }

  /** Remembers that documents were released, or may have been: they are due at once. */
  addReleased(): void {
    if (this.#untilEmpty) this.add(0);
  }

  /** Forgets everything, and remembers nothing from now on. */
  stop(): void {
    this.#isStopped = true;
    this.#due.clear();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #remember(delayMs: number): void {
    const coarser = Math.max(0, Math.floor(Math.log2(Math.max(1, delayMs / GRANULARITY_MS / PRECISION))));
    const stepMs = GRANULARITY_MS * 2 ** coarser;
    const dueMs = Math.ceil((this.#clock.monotonicMs() + delayMs) / stepMs) * stepMs;
    this.#due.add(dueMs / GRANULARITY_MS);
    this.#arm();
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
    if (isDue) this.#wakeup.wake();
    this.#arm();
  }
}

/** What a {@linkcode RetrySchedule} needs. */
export interface RetryScheduleOptions {
  clock: Clock;
  /** The sleep between claims. */
  wakeup: Pick<InterruptibleSleep, "wake">;
  /** The agent ends when nothing is left. It then looks twice for documents that it set back to pending or released. */
  untilEmpty?: boolean;
}
