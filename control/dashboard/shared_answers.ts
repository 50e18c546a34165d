import type { Clock } from "../../agent/lib/clock.ts";

/** A dear answer is kept for so many times as long as it took to make. */
const REST = 3;
/** Answers that are kept, at most. */
const MAX_KEPT = 8;

/** An answer, and whether to make it costs so much that it is kept for a while. */
export interface MadeAnswer {
  readonly text: string;
  readonly isDear: boolean;
}

/**
 * Answers to questions that several viewers may have: those who ask the same meanwhile get the same, and what was dear is
 * kept for a while, so that any number of viewers of one large document cost what few do.
 */
export class SharedAnswers {
  readonly #clock: Clock;
  readonly #making = new Map<string, Promise<string>>();
  /** The oldest first. */
  readonly #kept = new Map<string, { readonly text: string; readonly untilMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The answer to a question, which `make` makes unless it is there. Throws what that throws. */
  get(question: string, make: () => Promise<MadeAnswer>): Promise<string> {
    const kept = this.#kept.get(question);
    if (kept !== undefined && this.#clock.monotonicMs() < kept.untilMs) return Promise.resolve(kept.text);
    const known = this.#making.get(question);
    if (known !== undefined) return known;
    const startMs = this.#clock.monotonicMs();
    const making: Promise<string> = make().then(({ isDear, text }) => {
      if (isDear && this.#making.get(question) === making) this.#keep(question, text, startMs);
      return text;
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

  #keep(question: string, text: string, startMs: number): void {
    const endMs = this.#clock.monotonicMs();
    this.#kept.delete(question);
    for (const each of this.#kept.keys()) {
      if (this.#kept.size < MAX_KEPT) break;
      this.#kept.delete(each);
    }
    this.#kept.set(question, { text, untilMs: endMs + REST * (endMs - startMs) });
  }
}
