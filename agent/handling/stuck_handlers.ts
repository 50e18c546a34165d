/** Counts handlers that were given up and still run: they hold memory, and may yet end the process. */
export class StuckHandlers {
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** A handler is no longer waited for. */
  givenUp(): void {
    this.#count += 1;
  }

  /** A handler that was given up has ended at last. */
  ended(): void {
    this.#count -= 1;
  }
}
