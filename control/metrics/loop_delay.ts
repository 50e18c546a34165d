import type { Clock } from "../../agent/lib/clock.ts";
import type { Numbers } from "../../agent/metrics/numbers.ts";

/** How often the timer is set, in milliseconds. */
const EVERY_MS = 250;

/** Measures how late timers fire: how long the process was busy with other code, such as a handler that never waits. */
export class LoopDelay {
  readonly #clock: Clock;
  readonly #numbers: Numbers;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, numbers: Numbers) {
    this.#clock = clock;
    this.#numbers = numbers;
  }

  start(): void {
    const dueMs = this.#clock.monotonicMs() + EVERY_MS;
    this.#cancel = this.#clock.after(EVERY_MS, () => {
      this.#numbers.observe("eventLoopDelay", (this.#clock.monotonicMs() - dueMs) / 1000);
      this.start();
    }, { isBackground: true });
  }

  stop(): void {
    this.#cancel?.();
  }
}
