import { integerFrom, pick } from "./random.ts";

/** What no output may contain, by its numbers in Unicode: not by the pattern that the product uses. */
const COMMANDS: readonly (readonly [from: number, to: number])[] = [
  [0x00, 0x1f], // C0: line breaks, escape, bell, backspace
  [0x7f, 0x9f], // delete, and C1: a terminal takes 0x9b for an escape sequence
  [0xad, 0xad], // soft hyphen
  [0x61c, 0x61c], // Arabic letter mark
  [0x200b, 0x200f], // zero width, marks of direction
  [0x2028, 0x202e], // separators, embeddings, overrides
  [0x2060, 0x2064], // word joiner
  [0x2066, 0x206f], // isolates
  [0xd800, 0xdfff], // halves of a character
  [0xfeff, 0xfeff],
  [0xfff9, 0xfffb],
  [0xe0020, 0xe007f], // tags
];

const OTHERS: readonly (readonly [from: number, to: number])[] = [
  [0x20, 0x7e],
  [0xa1, 0xac],
  [0x400, 0x4ff],
  [0x4e00, 0x9fff],
  [0x1f300, 0x1f64f],
];

/** A text of any characters, every second of which may command a terminal, forge a line or turn a text around. */
export function randomText(random: () => number, maxLength = 12): string {
  const character = () => {
    const [from, to] = pick(random, random() < 0.5 ? COMMANDS : OTHERS);
    return String.fromCodePoint(integerFrom(random, from, to));
  };
  return Array.from({ length: integerFrom(random, 1, maxLength) }, character).join("");
}

/** The characters of a text that no output may contain, as numbers. */
export function commandsIn(text: string): string[] {
  const points = [...text].map((character) => character.codePointAt(0)!);
  return points.filter((point) => COMMANDS.some(([from, to]) => from <= point && point <= to))
    .map((point) => point.toString(16));
}
