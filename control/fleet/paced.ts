import type { Clock } from "../../agent/lib/clock.ts";

/** So many times as long as it took, an answer is kept: the server spends at most the twentieth part of a core on it. */
const REST = 20;

/** An answer that costs the server something, and that is kept for as long as it is worth. */
export class Paced<T> {
  readonly #ask: () => Promise<T>;
  readonly #clock: Clock;
  readonly #leastMs: number;
  #asking: Promise<T> | undefined;
  #kept: { readonly answer: T; readonly untilMs: number } | undefined;

  /** @param leastMs An answer is kept for at least so long, in milliseconds. */
  constructor(ask: () => Promise<T>, clock: Clock, leastMs: number) {
    this.#ask = ask;
    this.#clock = clock;
    this.#leastMs = leastMs;
  }

  /** The answer that is kept, or a new one. All who ask meanwhile get the same. Throws what the question throws. */
  async get(): Promise<T> {
    if (this.#kept && this.#clock.monotonicMs() < this.#kept.untilMs) return this.#kept.answer;
    return await (this.#asking ??= this.#askAnew());
  }

  /** Makes the next caller ask anew: something was changed. What is being asked is of before, and is not kept. */
  forget(): void {
    this.#kept = undefined;
    this.#asking = undefined;
  }

  #askAnew(): Promise<T> {
    const startedMs = this.#clock.monotonicMs();
    const asking = this.#ask().then((answer) => {
      const endedMs = this.#clock.monotonicMs();
      const untilMs = endedMs + Math.max(this.#leastMs, REST * (endedMs - startedMs));
      if (this.#asking === asking) this.#kept = { answer, untilMs };
      return answer;
    }).finally(() => {
      if (this.#asking === asking) this.#asking = undefined;
    });
    return asking;
  }
}
