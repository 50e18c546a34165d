import { inOneLine } from "../../agent/text/terminal_text.ts";
import type { Overview } from "../fleet/overview.ts";
import { agentLines } from "./agent_lines.ts";
import { padded, widthOf } from "./cell_text.ts";
import { errorLines } from "./error_lines.ts";
import { headerLines } from "./header_lines.ts";
import { helpLines } from "./help_lines.ts";
import { type Line, span } from "./line.ts";
import type { View } from "./view.ts";

/** The smallest screen on which all is shown. */
const LEAST = { columns: 80, rows: 24 } as const;

/** The size of a screen, in cells. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** What is known about the fleet at the moment of a look at the screen. */
export interface Known {
  readonly overview: Overview | undefined;
  /** Why it is not newer: MongoDB is out of reach, or has not answered yet. */
  readonly problem: string | undefined;
  /** How often it is renewed, in seconds. */
  readonly everyS: number;
  readonly source: string;
}

/** The lines of a screen: exactly as many as it has rows. */
export function screenLines(known: Known, view: View, size: Size): Line[] {
  const { overview, problem } = known;
  const top: Line[] = [titleLine(known, view, size.columns)];
  if (problem !== undefined) top.push([span(inOneLine(problem), "bad")]);
  const bottom = [footLine(view, size)];
  const rows = size.rows - top.length - bottom.length;
  const middle = view.showsHelp
    ? helpLines()
    : overview
    ? overviewLines(overview, view, { columns: size.columns, rows })
    : [];
  const filled = Array.from({ length: Math.max(0, rows) }, (_, index) => middle[index] ?? []);
  return [...top, ...filled, ...bottom].slice(0, size.rows);
}

/** The lines of an overview, without what belongs to a screen alone. */
export function overviewLines(overview: Overview, view: View, { columns, rows }: Size): Line[] {
  const header = [...headerLines(overview, columns), []];
  const notes = overview.notes.map((note): Line => [span(inOneLine(note), "warn")]);
  const left = Math.max(4, rows - header.length - notes.length - 1);
  const wanted = Math.min(1 + overview.errors.length, Math.max(3, Math.floor(left * 0.4)));
  const agents = agentLines(overview, view, { columns, rows: Math.max(3, left - wanted) });
  const errors = errorLines(overview, Math.max(wanted, left - agents.length));
  return [...header, ...agents, [], ...errors, ...notes];
}

function titleLine({ everyS, overview, source }: Known, { isPaused }: View, columns: number): Line {
  const clock = overview ? `${overview.at.slice(11, 19)} UTC` : "";
  const right = ` ${clock}  ${isPaused ? "held" : `every ${everyS} s`} `;
  return [span(bar(`pulling-agent top · ${source}`, columns - widthOf(right)) + right, "bar")];
}

function footLine({ isPaused, showsHelp, typing }: View, { columns, rows }: Size): Line {
  if (typing !== undefined) {
    return [span(bar(`show agents with: ${typing}_ · Enter keeps it, Esc drops it`, columns), "bar")];
  }
  if (showsHelp) return [span(bar("any key goes back", columns), "bar")];
  if (columns < LEAST.columns || rows < LEAST.rows) {
    return [
      span(bar(`smaller than ${LEAST.columns}x${LEAST.rows}: not all is shown · q quits`, columns), "bar"),
    ];
  }
  const hold = isPaused ? "space goes on" : "space holds";
  return [span(bar(`q quits · s sorts · / filters · ↑↓ scroll · ${hold} · ? help`, columns), "bar")];
}

/** A text with a blank before it, as wide as it is told. */
function bar(text: string, cells: number): string {
  return ` ${padded(text, Math.max(0, cells - 1))}`;
}
