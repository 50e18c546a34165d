/**
 * Tells the handlers that run that the agent drains. Each run gets a signal of its own: the listeners that a handler
 * leaves on it go with the run.
 */
export class StopNotice {
  readonly #followers = new Set<AbortController>();
  #given: { reason: unknown } | undefined;

  /** A signal's controller for one run, which gets the notice until {@linkcode StopNotice.unfollow}. */
  follow(): AbortController {
    const follower = new AbortController();
    if (this.#given) follower.abort(this.#given.reason);
    else this.#followers.add(follower);
    return follower;
  }

  /** The run is over. */
  unfollow(follower: AbortController): void {
    this.#followers.delete(follower);
  }

  /** Gives the notice. */
  give(reason: unknown): void {
    this.#given ??= { reason };
    for (const follower of this.#followers) follower.abort(this.#given.reason);
    this.#followers.clear();
  }
}
