/** How often a document was refused in a way that counts against it. */
export interface RefusalCount {
  counted: number;
  /** How many documents had been accepted at the last refusal that counts. */
  accepted: number;
}

/** Nothing is counted yet: the first refusal counts, even before anything was accepted. */
export const NO_REFUSALS: Readonly<RefusalCount> = { counted: 0, accepted: -1 };

/**
 * Takes note of a refusal; returns how many count. A refusal counts only if another document was accepted since the
 * last one that counts: otherwise the server may be refusing all documents.
 */
export function countRefusal(count: RefusalCount, accepted: number): number {
  if (accepted > count.accepted) {
    count.counted += 1;
    count.accepted = accepted;
  }
  return count.counted;
}
