import type { LeftAlone } from "../../ports.ts";
import { idBytes, NO_ROUND_TRIP, survivesRoundTrip } from "../documents/round_trip_id.ts";
import type { RawDocument } from "../documents/raw_document.ts";
import type { Kind } from "../queries.ts";
import type { UnreportedRefusals } from "./unreported_refusals.ts";

/** Ids that are remembered as reported, at most; further ones are not reported. */
const MAX_REPORTED = 1000;

/**
 * Documents whose `_id` JavaScript cannot send back unchanged. No write can name such a document, so it cannot be
 * claimed. No query can exclude it either, so it takes a place in each reading of candidates.
 */
export class UnaddressableIds {
  readonly #unreported: UnreportedRefusals;
  readonly #reported = new Set<string>();
  /** How many of each kind the last reading met. */
  readonly #met: Partial<Record<Kind, number>> = {};
  #example: unknown;

  constructor(unreported: UnreportedRefusals) {
    this.#unreported = unreported;
  }

  /** How many documents of a kind to expect among the candidates. */
  expected(kind: Kind): number {
    return this.#met[kind] ?? 0;
  }

  /** What can be claimed of a reading of candidates; the rest is counted, and reported once. */
  sift<T extends RawDocument>(kind: Kind, found: T[]): T[] {
    const { addressable, unaddressable } = this.#partition(found);
    this.#met[kind] = unaddressable.length;
    if (unaddressable.length > 0) this.#example = unaddressable[0]!.id;
    return addressable;
  }

  /** The same for suspects, which are not counted: they are read without an order. */
  siftSuspects<T extends RawDocument>(found: T[]): T[] {
    return this.#partition(found).addressable;
  }

  /**
   * The documents that the last readings found; undefined if there were none. `readAtOnce` is the most that one reading
   * may find.
   */
  leftAlone(readAtOnce: number): LeftAlone | undefined {
    const documents = Object.values(this.#met).reduce((sum, count) => sum + count, 0);
    if (documents === 0) return undefined;
    return { documents, isMore: documents >= readAtOnce, example: this.#example, reason: NO_ROUND_TRIP };
  }

  #partition<T extends RawDocument>(found: T[]): { addressable: T[]; unaddressable: T[] } {
    const addressable: T[] = [];
    const unaddressable: T[] = [];
    for (const raw of found) (survivesRoundTrip(raw) ? addressable : unaddressable).push(raw);
    for (const raw of unaddressable) this.#report(raw);
    return { addressable, unaddressable };
  }

  #report(raw: RawDocument): void {
    const key = idBytes(raw);
    if (this.#reported.has(key) || this.#reported.size >= MAX_REPORTED) return;
    this.#reported.add(key);
    this.#unreported.add({ id: raw.id, error: NO_ROUND_TRIP });
  }
}
