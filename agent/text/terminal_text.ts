/** Characters that would break a line in two, command a terminal, or show a text in another order. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
const EACH_UNPRINTABLE = new RegExp(UNPRINTABLE, "gu");

/** Nearly all texts are plain ASCII, and this test takes half the time. */
const PLAIN = /^[\x20-\x7e]*$/;

const NAMED: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** Whether a text can be shown as it is. */
export function isPrintable(text: string): boolean {
  return PLAIN.test(text) || !UNPRINTABLE.test(text);
}

/** A text in one line, in which all that cannot be shown as it is stands as an escape. JSON still says the same. */
export function printable(text: string): string {
  if (PLAIN.test(text)) return text;
  return text.replace(EACH_UNPRINTABLE, (character) => NAMED[character] ?? escaped(character));
}

/** The same for a text of several lines: its line breaks and tabs stay. */
export function printableLines(text: string): string {
  if (PLAIN.test(text)) return text;
  return text.replace(
    EACH_UNPRINTABLE,
    (character) => /[\n\t]/.test(character) ? character : escaped(character),
  );
}

/** Plain words with a blank between each two. */
const ONE_LINE = /^[\x21-\x7e]*(?: [\x21-\x7e]+)*$/;

/** A text in one line, with a blank for what a terminal would not show. */
export function inOneLine(text: string): string {
  if (ONE_LINE.test(text)) return text;
  return text.replaceAll(/[\s\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu, " ");
}

function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
}
