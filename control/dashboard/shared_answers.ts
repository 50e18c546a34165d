import type { Clock } from "../../agent/lib/clock.ts";

/** A dear answer is kept for so many times as long as it took to make. */
const REST = 3;
/** Answers that are kept, at most. */
const MAX_KEPT = 8;

/** An answer, and what it has cost. */
export interface MadeAnswer<T> {
  readonly value: T;
  /**
   * How long it took to make one that is dear, without the wait for its turn, in milliseconds: it is kept for a while.
   * Undefined for all others.
   */
  readonly dearMs: number | undefined;
}

/**
 * Answers to questions that several viewers may have: those who ask the same meanwhile get the same, and what was dear is
 * kept for a while, so that any number of viewers of one large document cost what few do.
 */
export class SharedAnswers<T> {
  readonly #clock: Clock;
  readonly #making = new Map<string, Promise<T>>();
  /** The oldest first. */
  readonly #kept = new Map<string, { readonly value: T; readonly untilMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The answer to a question, which `make` makes unless it is there. Throws what that throws. */
  get(question: string, make: () => Promise<MadeAnswer<T>>): Promise<T> {
    const kept = this.#kept.get(question);
    if (kept !== undefined && this.#clock.monotonicMs() < kept.untilMs) return Promise.resolve(kept.value);
    const known = this.#making.get(question);
    if (known !== undefined) return known;
    const making: Promise<T> = make().then(({ dearMs, value }) => {
      if (dearMs !== undefined && this.#making.get(question) === making) this.#keep(question, value, dearMs);
      return value;
    }).finally(() => {
      if (this.#making.get(question) === making) this.#making.delete(question);
    });
    this.#making.set(question, making);
    return making;
  }

  /** Makes the next one ask anew: something was changed. What is being made is of before, and is not kept. */
  forget(): void {
    this.#making.clear();
    this.#kept.clear();
  }

  #keep(question: string, value: T, tookMs: number): void {
    this.#kept.delete(question);
    for (const each of this.#kept.keys()) {
      if (this.#kept.size < MAX_KEPT) break;
      this.#kept.delete(each);
    }
    this.#kept.set(question, { value, untilMs: this.#clock.monotonicMs() + REST * tookMs });
  }
}
