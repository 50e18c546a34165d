import stringWidth from "string-width";
import { inOneLine } from "../../agent/text/terminal_text.ts";

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });
const PLAIN = /^[\x20-\x7e]*$/;

/** Cells of a terminal that a text in one line takes. */
export function widthOf(text: string): number {
  return PLAIN.test(text) ? text.length : stringWidth(text);
}

/** The beginning of a text in at most so many cells, with an ellipsis if there was more. */
export function clipped(text: string, cells: number): string {
  if (widthOf(text) <= cells) return text;
  let [kept, used] = ["", 0];
  for (const { segment } of graphemes.segment(text)) {
    const width = widthOf(segment);
    if (used + width > cells - 1) break;
    kept += segment;
    used += width;
  }
  return cells < 1 ? "" : `${kept}…`;
}

/**
 * A name of any origin in one line of at most so many cells, without its middle if it is too long: names of pods differ at
 * their ends.
 */
export function squeezed(name: string, cells: number): string {
  const whole = inOneLine(name).trim();
  if (widthOf(whole) <= cells) return whole;
  let end = "";
  for (const { segment } of Array.from(graphemes.segment(whole)).reverse()) {
    if (widthOf(segment + end) > (cells - 1) / 2) break;
    end = segment + end;
  }
  return clipped(whole, cells - widthOf(end)) + end;
}

/**
 * A text of any origin in one line of exactly so many cells, with blanks after it, or before it. It commands no terminal.
 */
export function padded(text: string, cells: number, align: "left" | "right" = "left"): string {
  const shown = clipped(inOneLine(text).trim(), cells);
  const blanks = " ".repeat(Math.max(0, cells - widthOf(shown)));
  return align === "left" ? shown + blanks : blanks + shown;
}
