import { agoText } from "../../agent/text/duration_text.ts";
import { inOneLine } from "../../agent/text/terminal_text.ts";
import type { ErrorRow, Overview } from "../fleet/overview.ts";
import { padded } from "./cell_text.ts";
import { type Line, span } from "./line.ts";

/** What fails, in so many lines at most; one line if nothing does. */
export function errorLines({ at, errors }: Overview, rows: number): Line[] {
  if (errors.length === 0) return [[span("No errors", "dim")]];
  const shown = errors.slice(0, Math.max(1, rows - 1));
  const more = errors.length - shown.length;
  const title =
    `Errors: ${errors.length} ${errors.length === 1 ? "group" : "groups"}, of the newest dead letters` +
    ` and of the agents${more > 0 ? `   ${more} more` : ""}`;
  return [[span(title, "bold")], ...shown.map((row) => errorLine(row, new Date(at)))];
}

function errorLine({ count, example_id, last, of, pattern }: ErrorRow, now: Date): Line {
  const ago = last === null ? "" : `${agoText(last, now)} ago`;
  const what = of === "agents" ? (count === 1 ? "agent" : "agents") : count === 1 ? "letter" : "letters";
  const example = example_id === null ? "" : ` (as ${example_id})`;
  return [
    span(`${padded(String(count), 6, "right")} ${padded(what, 7)} ${padded(ago, 15)} `, "plain"),
    span(inOneLine(pattern + example), "warn"),
  ];
}
