/** Between two lines that say how far it is, in milliseconds. */
const EVERY_MS = 2000;

/** Says now and then how far something is that may take long. */
export class Progress {
  readonly #output: { say(text: string): void };
  readonly #now: () => number;
  #saidAtMs: number;

  constructor(output: { say(text: string): void }, now: () => number = () => performance.now()) {
    this.#output = output;
    this.#now = now;
    this.#saidAtMs = now();
  }

  /** Says it, unless something was said just before. */
  update(text: string): void {
    const now = this.#now();
    if (now - this.#saidAtMs < EVERY_MS) return;
    this.#saidAtMs = now;
    this.#output.say(text);
  }
}
