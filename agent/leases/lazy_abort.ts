/** Follows a {@linkcode LazyAbort}. */
export interface AbortListener {
  /** It is aborted. */
  aborted(reason: unknown): void;
}

/**
 * An abort whose signal is made only for a caller that asks for it. Every document has an abort and few are ever
 * aborted: a controller, a signal and a function for each would be a large part of what a document costs.
 */
export class LazyAbort {
  #follower: AbortListener | undefined;
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
    this.#follower?.aborted(reason);
  }

  /** Calls `follower` when it is aborted from now on, in place of an earlier one. */
  follow(follower: AbortListener): void {
    this.#follower = follower;
  }

  /**
   * Calls no follower any more. A document is held for longer than its run lasts: so it does not keep what the run has made
   * in memory.
   */
  unfollow(): void {
    this.#follower = undefined;
  }
}
