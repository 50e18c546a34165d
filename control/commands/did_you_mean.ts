import { distance } from "fastest-levenshtein";

/** A word shorter than this differs from many others by two letters. */
const SHORT = 5;
/** This many letters are taken for the beginning of a longer word. */
const BEGINNING = 3;

/**
 * The one of `known` that was most likely meant; undefined if none is near.
 *
 * @param otherwise words that people write instead, each with the one of `known` that it means
 */
export function nearest(
  given: string,
  known: readonly string[],
  otherwise: Readonly<Record<string, string>> = {},
): string | undefined {
  const word = letters(given);
  const same = known.find((each) => letters(each) === word);
  if (same) return same;
  if (Object.hasOwn(otherwise, word) && known.includes(otherwise[word]!)) return otherwise[word];
  if (word.length < 2) return undefined;
  const ranked = known.map((name) => ({ name, slips: slips(word, letters(name)) }))
    .filter(({ slips }) => slips <= (word.length < SHORT ? 1 : 2))
    .sort((a, b) => a.slips - b.slips);
  if (ranked[0]) return ranked[0].name;
  const begun = known.filter((name) => word.length >= BEGINNING && letters(name).startsWith(word));
  return begun.length === 1 ? begun[0] : undefined;
}

/** The letters of a word: its case and the marks between its parts are not slips. */
function letters(word: string): string {
  return word.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
}

/** Slips of a typist between two words: a letter too many, too few or wrong, or two neighbours swapped. */
function slips(a: string, b: string): number {
  return isSwapped(a, b) ? 1 : distance(a, b);
}

function isSwapped(a: string, b: string): boolean {
  let i = 0;
  while (i < a.length && a[i] === b[i]) i++;
  return a.length === b.length && a[i] === b[i + 1] && a[i + 1] === b[i] && a.slice(i + 2) === b.slice(i + 2);
}
