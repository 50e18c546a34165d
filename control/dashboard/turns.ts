import { Refusal } from "./refusal.ts";

/** Lets some work run at a time. More of it waits for its turn, and what is too much is refused. */
export class Turns {
  readonly #options: TurnsOptions;
  readonly #queue: (() => void)[] = [];
  #running = 0;

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  /**
   * Does the work in its turn; returns what it returns. Throws what it throws.
   *
   * @throws {Refusal} If too much waits.
   */
  async take<T>(work: () => Promise<T>): Promise<T> {
    const { atOnce, waiting, work: name } = this.#options;
    if (this.#running < atOnce) this.#running += 1;
    else if (this.#queue.length >= waiting) {
      throw new Refusal(503, "busy", `Too many viewers ${name}: retry in a moment`);
    } else await new Promise<void>((resolve) => this.#queue.push(resolve));
    try {
      return await work();
    } finally {
      // The place goes to the next one at once, so that no other takes it in between.
      const next = this.#queue.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}

/** What {@linkcode Turns} allow. */
export interface TurnsOptions {
  readonly atOnce: number;
  /** So much may wait. */
  readonly waiting: number;
  /** What viewers do, for people: `look at documents`. */
  readonly work: string;
}
