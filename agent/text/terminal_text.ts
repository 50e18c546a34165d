/** What would break a line in two, command a terminal, or show a text in another order than it has. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
const EACH_UNPRINTABLE = new RegExp(UNPRINTABLE, "gu");

/** Whether a text can be shown as it is. */
export function isPrintable(text: string): boolean {
  return !UNPRINTABLE.test(text);
}

/** A text in which all that cannot be shown as it is stands as an escape. */
export function printable(text: string): string {
  return text.replace(EACH_UNPRINTABLE, (character) => NAMED[character] ?? escaped(character));
}

const NAMED: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** JSON that says the same, and that a terminal shows as it stands. The line breaks of an indented text stay. */
export function printableJson(json: string): string {
  return json.replace(EACH_UNPRINTABLE, (character) => character === "\n" ? character : escaped(character));
}

/** A text of several lines, with a blank for what a terminal would not show. */
export function printableLines(text: string): string {
  return text.replace(EACH_UNPRINTABLE, (character) => /[\n\t]/.test(character) ? character : " ");
}

/** A text in one line, with a blank for what a terminal would not show. */
export function inOneLine(text: string): string {
  return text.replaceAll(/[\s\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu, " ");
}

function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
}
