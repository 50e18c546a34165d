import type { ClaimLimit } from "../../ports.ts";

/** What is left of a claim's limits. */
export interface RemainingLimit extends ClaimLimit {
  /** Nothing is claimed yet: a document larger than all the bytes is claimed alone. */
  isEmpty: boolean;
}

/** The longest beginning of `items` that there is room for; at least one, however large, where nothing is claimed yet. */
export function withinBytes<T>(
  items: T[],
  sizeOf: (item: T) => number,
  { bytes: limit, isEmpty }: RemainingLimit,
): T[] {
  let bytes = 0;
  const end = items.findIndex((item) => (bytes += sizeOf(item)) > limit);
  return end < 0 ? items : items.slice(0, Math.max(isEmpty ? 1 : 0, end));
}
