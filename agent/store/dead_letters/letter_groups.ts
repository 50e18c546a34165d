import { validDate } from "../../lib/valid_date.ts";
import { errorPattern } from "../../text/error_pattern.ts";
import { secrets } from "../../text/redact.ts";
import type { DeadLetter } from "./stored_letter.ts";

/** Dead letters whose errors differ only in digits, ids and quoted texts. */
export interface LetterGroup {
  /** What their errors have in common; of the group of all others, a name. */
  readonly pattern: string;
  /** It has all the letters of no other group. */
  readonly isOthers: boolean;
  letters: number;
  /** The dates of the first and the last of them; undefined if no letter has a date. */
  first: Date | undefined;
  last: Date | undefined;
  /** The last of them. */
  example: { readonly id: unknown; readonly error: string };
}

/** Groups, at most: further errors are counted together, so that any number of letters needs the same memory. */
const MAX_GROUPS = 1000;
/** An error is kept up to this length, in UTF-16 units. */
const MAX_ERROR = 1000;
const OTHERS = "(other errors)";

/** What the error of a letter has in common with those of its group. */
export function letterPattern(letter: DeadLetter): string {
  return errorPattern(errorOf(letter));
}

/** Counts letters by their errors. */
export class LetterGroups {
  readonly #groups = new Map<string, LetterGroup>();
  /** Groups that were known before, and have no letter yet: a place is kept for each of them. */
  readonly #awaited: Set<string>;
  #others: LetterGroup | undefined;
  #letters = 0;

  /** @param before what was counted earlier: an error that had a group of its own then has one again */
  constructor(before?: LetterGroups) {
    this.#awaited = new Set(before === undefined ? [] : before.#groups.keys());
  }

  /** How many letters were added. */
  get letters(): number {
    return this.#letters;
  }

  /** Whether a letter is in the group of all others: one that came after all that were counted is in none. */
  isOther(letter: DeadLetter): boolean {
    if (this.#others === undefined || this.#isKnown(letterPattern(letter))) return false;
    return diedAtMs(letter) <= timeOf(this.#others.last);
  }

  /** The groups with the most letters first, or those with the newest letter. */
  sorted(by: "letters" | "newest"): LetterGroup[] {
    const newer = (a: LetterGroup, b: LetterGroup) => timeOf(b.last) - timeOf(a.last);
    const larger = (a: LetterGroup, b: LetterGroup) => b.letters - a.letters;
    const [most, then] = by === "newest" ? [newer, larger] : [larger, newer];
    const all = [...this.#groups.values(), ...(this.#others === undefined ? [] : [this.#others])];
    return all.sort((a, b) => most(a, b) || then(a, b));
  }

  add(letter: DeadLetter): void {
    this.#letters += 1;
    const error = errorOf(letter);
    const pattern = errorPattern(error);
    const isOthers = !this.#isKnown(pattern) && this.#groups.size + this.#awaited.size >= MAX_GROUPS;
    const example = { id: letter._id, error };
    const at = validDate(letter.dead_at);
    const group = isOthers ? this.#others : this.#groups.get(pattern);
    if (group === undefined) {
      const begun = {
        pattern: isOthers ? OTHERS : pattern,
        isOthers,
        letters: 1,
        first: at,
        last: at,
        example,
      };
      if (isOthers) this.#others = begun;
      else {
        this.#awaited.delete(pattern);
        this.#groups.set(pattern, begun);
      }
      return;
    }
    group.letters += 1;
    if (at === undefined) return;
    if (group.first === undefined || at < group.first) group.first = at;
    if (group.last !== undefined && at < group.last) return;
    group.last = at;
    group.example = example;
  }

  #isKnown(pattern: string): boolean {
    return this.#groups.has(pattern) || this.#awaited.has(pattern);
  }
}

/** A user may have edited the letter: it can hold anything. */
function errorOf({ error }: DeadLetter): string {
  if (typeof error !== "string") return "(no error)";
  return secrets.text(error, MAX_ERROR).trim() || "(no error)";
}

/** When a letter died, in milliseconds. A user may have edited it: without a date it counts as an old one. */
export function diedAtMs({ dead_at: deadAt }: DeadLetter): number {
  return timeOf(validDate(deadAt));
}

function timeOf(date: Date | undefined): number {
  return date?.getTime() ?? -Infinity;
}
