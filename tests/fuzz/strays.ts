/** Errors that no one caught while trials ran in this process: the program under trial must leave none behind. */
export class Strays implements Disposable {
  #errors: Error[] = [];
  readonly #listener = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    // A fuzzed processor may leave rejected promises behind, as a user's may; `main.ts` tells of those and goes on.
    const { reason } = event;
    if (isError(reason) && !reason.stack?.includes("/odd_values.ts:")) this.#errors.push(reason);
  };

  constructor() {
    globalThis.addEventListener("unhandledrejection", this.#listener);
  }

  /** A sentence for each since the last call. */
  take(): string[] {
    const errors = this.#errors;
    this.#errors = [];
    return errors.map((error) => `An error was not caught: ${error.stack}`);
  }

  [Symbol.dispose](): void {
    globalThis.removeEventListener("unhandledrejection", this.#listener);
  }
}

/** The value that a processor rejects with may throw when it is read. */
function isError(reason: unknown): reason is Error {
  try {
    return reason instanceof Error && typeof reason.stack === "string";
  } catch {
    return false;
  }
}
