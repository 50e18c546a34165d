import { DEFAULT_TIMEOUT_MS } from "./wait.ts";

/** A point that a test waits for; says which one was never reached. */
export class Checkpoint {
  readonly #name: string;
  readonly #reached = Promise.withResolvers<void>();

  constructor(name: string) {
    this.#name = name;
  }

  /** Says that the point is reached. */
  reach(): void {
    this.#reached.resolve();
  }

  /** Resolves once it is. */
  async wait(): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeout = new Promise<never>((_, reject) => {
      const error = new Error(`${this.#name} was not reached within ${DEFAULT_TIMEOUT_MS} ms`);
      timer = setTimeout(() => reject(error), DEFAULT_TIMEOUT_MS);
    });
    try {
      await Promise.race([this.#reached.promise, timeout]);
    } finally {
      clearTimeout(timer);
    }
  }
}
