import type { LetterPlace } from "../../agent/store/dead_letters/letter_pages.ts";
import { documentKey, idOfKey } from "../../agent/store/documents/document_key.ts";
import { badRequest } from "./refusal.ts";

/** A cursor is text in an address: the key of a longer `_id` stays here, in UTF-16 units. */
const MAX_CURSOR = 1000;
/** So many places are kept here, and so much of their texts, in UTF-16 units: an `_id` may have megabytes. */
const [MAX_KEPT, MAX_LENGTH] = [500, 16_000_000];
/** Begins the name of a place that is kept here. No key begins so: keys are JSON. */
const KEPT = "kept ";

/**
 * Places among the dead letters as text that fits into an address. Nearly all are the key of an `_id`, which any dashboard
 * understands; the others are names of places that this process keeps for a while.
 */
export class LetterPlaces {
  /** The oldest first. */
  readonly #kept = new Map<string, { readonly place: LetterPlace; readonly length: number }>();
  #length = 0;

  /** The text for a place. */
  textOf(place: LetterPlace): string {
    const { after, passed } = place;
    const key = after && documentKey(after.id);
    if (key !== undefined && key.length <= MAX_CURSOR && passed.size === 0) return key;
    const name = `${KEPT}${crypto.randomUUID()}`;
    const length = (key?.length ?? 0) + [...passed].reduce((sum, each) => sum + each.length, 0);
    this.#kept.set(name, { place, length });
    this.#length += length;
    for (const [oldest, { length }] of this.#kept) {
      if (oldest === name || (this.#kept.size <= MAX_KEPT && this.#length <= MAX_LENGTH)) break;
      this.#kept.delete(oldest);
      this.#length -= length;
    }
    return name;
  }

  /**
   * The place that a text names.
   *
   * @throws {Refusal} If it names none, or one that is not kept any more.
   */
  placeOf(text: string): LetterPlace {
    if (text.startsWith(KEPT)) {
      const kept = this.#kept.get(text);
      if (kept === undefined) {
        throw badRequest("The place in the list is not known any more: show the letters anew");
      }
      return kept.place;
    }
    try {
      return { after: { id: idOfKey(text) }, passed: new Set() };
    } catch {
      throw badRequest("after must be what a page of letters has as next");
    }
  }
}
