import { shortened } from "./shortened.ts";
import { inOneLine } from "./terminal_text.ts";

/** This much of an error decides its group, in UTF-16 units, and this much of a pattern is kept. */
const [MAX_READ, MAX_KEPT] = [2000, 300];

/** What differs between errors of one kind, in the order in which it is blanked. */
const DETAILS: readonly (readonly [RegExp, string])[] = [
  // A quotation mark within a word is an apostrophe.
  [/(?<![\p{L}\p{N}])(["'`])(?:(?!\1).)*\1(?![\p{L}\p{N}])/gu, "$1…$1"],
  [/«[^»]*»/g, "«…»"],
  [/„[^“”]*[“”]|“[^”]*”/g, "“…”"],
  [/\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b/gi, "#"],
  [/\b\d{4}-\d\d-\d\d(?:[T ][\d:.,]+(?:Z|[+-]\d\d:?\d\d)?)?/g, "#"],
  // Long words that have digits are ids: ULIDs, hexadecimal digests, tokens.
  [/(?<![\w-])(?=[\w-]*\d)[\w-]{16,}(?![\w-])/g, "#"],
  [/\b0x[0-9a-f]+\b/gi, "#"],
  [/\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b/gi, "#"],
  [/\d+(?:[.,:]\d+)*/g, "#"],
];

/**
 * The text of an error without what differs between errors of one kind: digits, ids, dates and quoted texts. Two errors
 * with one pattern most likely have one cause. It is in one line, and short.
 */
export function errorPattern(error: string): string {
  const text = inOneLine(error.slice(0, MAX_READ)).trim();
  const pattern = DETAILS.reduce((rest, [detail, blank]) => rest.replaceAll(detail, blank), text);
  return shortened(pattern, MAX_KEPT);
}
