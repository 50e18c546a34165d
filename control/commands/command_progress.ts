import { type Clock, systemClock } from "../../agent/lib/clock.ts";

/** Time between two lines of progress, in milliseconds. */
const EVERY_MS = 2000;

/** Reports from time to time the progress of work that may take long. */
export class Progress {
  readonly #output: { say(text: string): void };
  readonly #clock: Clock;
  #saidAtMs: number;

  constructor(output: { say(text: string): void }, clock: Clock = systemClock) {
    this.#output = output;
    this.#clock = clock;
    this.#saidAtMs = clock.monotonicMs();
  }

  /** Reports it, unless a line was written just before. */
  update(text: string): void {
    const now = this.#clock.monotonicMs();
    if (now - this.#saidAtMs < EVERY_MS) return;
    this.#saidAtMs = now;
    this.#output.say(text);
  }
}
