import type { AlertGroup, Example } from "./letter_alert.ts";

/** Dead letters with one kind of error that are not reported yet. */
export class PendingAlert {
  readonly #pattern: string;
  /** When they may be reported, in milliseconds of the clock. */
  dueMs: number;
  #letters: AlertGroup | undefined;

  constructor(pattern: string, dueMs: number) {
    this.#pattern = pattern;
    this.dueMs = dueMs;
  }

  /** How many there are. */
  get count(): number {
    return this.#letters?.count ?? 0;
  }

  /** Counts one more, which came at this time, in milliseconds since 1970. */
  add(example: Example, atMs: number): void {
    const { count = 0, firstMs = atMs } = this.#letters ?? {};
    this.#letters = { pattern: this.#pattern, count: count + 1, firstMs, lastMs: atMs, example };
  }

  /**
   * Takes all of them.
   *
   * @throws {Error} If there are none.
   */
  take(): AlertGroup {
    const letters = this.#letters;
    if (letters === undefined) throw new Error(`No dead letters are left to report: ${this.#pattern}`);
    this.#letters = undefined;
    return letters;
  }

  /** Puts them back: they could not be reported. Others may have come meanwhile. */
  putBack(letters: AlertGroup): void {
    const later = this.#letters;
    this.#letters = later === undefined
      ? letters
      : { ...later, count: letters.count + later.count, firstMs: letters.firstMs };
  }
}
