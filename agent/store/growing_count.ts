/** So many times as much is counted in each further step. */
const FACTOR = 10;

/** What a {@linkcode growingCount} needs. */
interface GrowingCount<T> {
  /** The first step counts up to this number of documents. */
  readonly first: number;
  /** The last one counts up to this number. */
  readonly limit: number;
  /** Counts up to a number of documents. */
  count(limit: number): Promise<T>;
  /** Takes what a step has found that is not the last one: as many or more are there, and the next step may fail. */
  reached(found: T): void;
}

/**
 * Counts in steps that grow: a server that is too slow for all of them has told by then how many there are at least. The
 * steps before the last one cost a ninth of it. Throws what a step throws.
 */
export async function growingCount<T extends { readonly documents: number }>(
  { count, first, limit, reached }: GrowingCount<T>,
): Promise<T> {
  for (let upTo = Math.min(first, limit);; upTo = Math.min(limit, FACTOR * upTo)) {
    const found = await count(upTo);
    if (found.documents < upTo || upTo === limit) return found;
    reached(found);
  }
}
