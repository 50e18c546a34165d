type Listener = (reason: unknown) => void;

const NOBODY: readonly Listener[] = [];

/**
 * An abort whose signal is made only for a caller that asks for it. Every document has an abort and few are ever
 * aborted: a controller, a signal and a listener for each would be a large part of what a document costs.
 */
export class LazyAbort {
  #listeners = NOBODY;
  #controller: AbortController | undefined;
  #aborted: { reason: unknown } | undefined;

  get aborted(): boolean {
    return this.#aborted !== undefined;
  }

  /** Why it was aborted. */
  get reason(): unknown {
    return this.#aborted?.reason;
  }

  /** The signal for the handler. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort(this.#aborted.reason);
    }
    return this.#controller.signal;
  }

  /** Aborts; the first reason stays. */
  abort(reason: unknown): void {
    if (this.#aborted) return;
    this.#aborted = { reason };
    this.#controller?.abort(reason);
    for (const listener of this.#listeners) listener(reason);
  }

  /** Calls `listener` when it is aborted from now on. */
  onAbort(listener: Listener): void {
    this.#listeners = [...this.#listeners, listener];
  }
}
