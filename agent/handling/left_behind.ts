/** Counts the handlers that are left behind: they were given up, and still run. They hold memory, and may yet end the process. */
export class LeftBehind {
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** A handler is left behind: it is no longer waited for. */
  add(): void {
    this.#count += 1;
  }

  /** A handler that was left behind has ended at last. */
  ended(): void {
    this.#count -= 1;
  }
}
