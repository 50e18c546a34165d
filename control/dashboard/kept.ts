/** What is made once and kept; a failure is not kept: the next caller makes it anew. */
export class Kept<T> {
  readonly #make: () => Promise<T>;
  #made: Promise<T> | undefined;

  constructor(make: () => Promise<T>) {
    this.#make = make;
  }

  /** What was made. Throws what making it throws. */
  async get(): Promise<T> {
    const making = this.#made ??= this.#make();
    try {
      return await making;
    } catch (error) {
      if (this.#made === making) this.#made = undefined;
      throw error;
    }
  }
}
