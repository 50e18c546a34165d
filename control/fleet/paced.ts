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
    return await (this.#asking ??= this.#askAnew().finally(() => this.#asking = undefined));
  }

  async #askAnew(): Promise<T> {
    const startedMs = this.#clock.monotonicMs();
    const answer = await this.#ask();
    const endedMs = this.#clock.monotonicMs();
    this.#kept = { answer, untilMs: endedMs + Math.max(this.#leastMs, REST * (endedMs - startedMs)) };
    return answer;
  }
}
