/** A text in one line, with a blank for what is not seen or turns what is behind it round. */
export function inOneLine(text: string): string {
  return text.replaceAll(/[\s\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu, " ");
}

/** The same for a text of several lines. */
export function inLines(text: string): string {
  return text.split("\n").map(inOneLine).join("\n");
}
