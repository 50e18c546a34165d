/** So long a document that MongoDB refused to let us claim is left alone, in milliseconds: somebody may mend it. */
const LEFT_ALONE_MS = 60_000;
/** Remembered at the most, so that the queries which leave them out stay small. */
const MAX_IDS = 1000;

/** Ids of documents that cannot be claimed: one of them must not keep all others from being claimed. */
export class RefusedIds {
  #entries: { id: unknown; atMs: number }[] = [];

  /** Remembers an id for a while. */
  add(id: unknown): void {
    this.#entries.push({ id, atMs: performance.now() });
    if (this.#entries.length > MAX_IDS) this.#entries.shift();
  }

  /** The ids to leave alone now. */
  get ids(): unknown[] {
    const sinceMs = performance.now() - LEFT_ALONE_MS;
    if (this.#entries.some(({ atMs }) => atMs < sinceMs)) {
      this.#entries = this.#entries.filter(({ atMs }) => atMs >= sinceMs);
    }
    return this.#entries.map(({ id }) => id);
  }
}
