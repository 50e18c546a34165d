import { printable } from "../../agent/text/terminal_text.ts";
import { clipped, widthOf } from "./cell_text.ts";

/** How a part of a line looks on a terminal with colours. */
export type Look = "plain" | "bold" | "dim" | "good" | "warn" | "bad" | "bar";

/** A part of a line. */
export interface Span {
  readonly text: string;
  readonly look: Look;
}

/** A line of the screen. */
export type Line = readonly Span[];

/** How much of a look is shown: none of it, what has no colour, or all. */
export type Style = "text" | "attributes" | "colors";

/** What a terminal is told for a look. */
const CODES: Record<Exclude<Style, "text">, Record<Look, string>> = {
  colors: { plain: "", bold: "1", dim: "2", good: "32", warn: "33", bad: "1;31", bar: "7" },
  attributes: { plain: "", bold: "1", dim: "2", good: "", warn: "1", bad: "1", bar: "7" },
};

/** A part of a line. */
export function span(text: string, look: Look = "plain"): Span {
  return { text, look };
}

/** A line that is no wider than the screen, as it is written. What would command a terminal stands as an escape. */
export function written(line: Line, columns: number, style: Style): string {
  let left = columns;
  let text = "";
  for (const { look, text: whole } of line) {
    if (left <= 0) break;
    const shown = clipped(printable(whole), left);
    left -= widthOf(shown);
    const code = style === "text" ? "" : CODES[style][look];
    text += code === "" ? shown : `\x1b[${code}m${shown}\x1b[0m`;
  }
  return text;
}
