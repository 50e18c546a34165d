import { shortened } from "./shortened.ts";
import { inOneLine } from "./terminal_text.ts";

/** This much of an error decides its group, in UTF-16 units, and this much of a pattern is kept. */
const [MAX_READ, MAX_KEPT] = [2000, 300];

/** Quoted texts, each kind with what is left of it. A quotation mark within a word is an apostrophe. */
const QUOTED: readonly (readonly [mark: RegExp, text: RegExp, blank: string])[] = [
  [/["'`]/, /(?<![\p{L}\p{N}])(["'`])(?:(?!\1).)*\1(?![\p{L}\p{N}])/gu, "$1…$1"],
  [/«/, /«[^»]*»/g, "«…»"],
  [/[„“]/, /„[^“”]*[“”]|“[^”]*”/g, "“…”"],
];

/** A number that tells one kind of error from another: the status of an answer, the exit code of a program. */
const STATUS =
  /(\b(?:answered|status|HTTP(?:\/[\d.]+)?|(?:exit|status|error|with) code)[ :=]{1,2}\d{1,3}(?!\w|[.,:]\d))/;

/** What else differs between errors of one kind. All in one pattern: each pass over a text takes a microsecond or more. */
const DETAILS = new RegExp(
  [
    STATUS,
    /\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b/,
    /\b\d{4}-\d\d-\d\d(?:[T ][\d:.,]+(?:Z|[+-]\d\d:?\d\d)?)?/,
    // Long words that have digits are ids: ULIDs, hexadecimal digests, tokens.
    /(?<![\w-])(?=[\w-]*\d)[\w-]{16,}(?![\w-])/,
    /\b0x[0-9a-f]+\b/,
    /\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b/,
    /\d+(?:[.,:](?!\d{4}-\d\d-)\d+)*/,
  ].map(({ source }) => source).join("|"),
  "gi",
);

/**
 * The text of an error without what differs between errors of one kind: digits, ids, dates and quoted texts. The status
 * of an answer and an exit code stay. Two errors with one pattern most likely have one cause. It is in one line, and short.
 */
export function errorPattern(error: string): string {
  const text = inOneLine(error.slice(0, MAX_READ)).trim();
  const unquoted = QUOTED.reduce(
    (rest, [mark, quoted, blank]) => mark.test(rest) ? rest.replaceAll(quoted, blank) : rest,
    text,
  );
  const pattern = unquoted.replaceAll(DETAILS, (_, status?: string) => status ?? "#");
  return shortened(pattern, MAX_KEPT);
}
