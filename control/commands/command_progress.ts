import { type Clock, systemClock } from "../../agent/lib/clock.ts";

/** Between two lines that say how far it is, in milliseconds. */
const EVERY_MS = 2000;

/** Says now and then how far something is that may take long. */
export class Progress {
  readonly #output: { say(text: string): void };
  readonly #clock: Clock;
  #saidAtMs: number;

  constructor(output: { say(text: string): void }, clock: Clock = systemClock) {
    this.#output = output;
    this.#clock = clock;
    this.#saidAtMs = clock.monotonicMs();
  }

  /** Says it, unless something was said just before. */
  update(text: string): void {
    const now = this.#clock.monotonicMs();
    if (now - this.#saidAtMs < EVERY_MS) return;
    this.#saidAtMs = now;
    this.#output.say(text);
  }
}
