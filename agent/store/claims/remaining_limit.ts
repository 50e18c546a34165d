import type { ClaimLimit } from "../../ports.ts";

/** What is left of a claim's limits. */
export interface RemainingLimit extends ClaimLimit {
  /** Nothing is claimed yet: a document larger than all the bytes is claimed alone. */
  isEmpty: boolean;
}

/**
 * The longest prefix of `items` that there is room for. If nothing is claimed yet, at least one item, however large.
 */
export function withinBytes<T>(
  items: T[],
  sizeOf: (item: T) => number,
  { bytes: limit, isEmpty }: RemainingLimit,
): T[] {
  let bytes = 0;
  const end = items.findIndex((item) => (bytes += sizeOf(item)) > limit);
  return end < 0 ? items : items.slice(0, Math.max(isEmpty ? 1 : 0, end));
}
