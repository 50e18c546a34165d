import { pastText } from "../../agent/text/duration_text.ts";
import { inOneLine } from "../../agent/text/terminal_text.ts";
import type { Overview } from "../fleet/overview.ts";
import { type Line, span } from "./line.ts";
import { countText, rateText, secondsText } from "./number_text.ts";
import { sparkline } from "./sparkline.ts";

/** The lines about the work: what waits, what is done and how fast, and what the operators want of all agents. */
export function headerLines(overview: Overview, columns: number): Line[] {
  return [controlLine(overview), backlogLine(overview), doneLine(overview), ...sparkLines(overview, columns)];
}

function controlLine({ at, control, control_problem }: Overview): Line {
  if (control_problem !== null) return [span(inOneLine(control_problem), "bad")];
  if (control?.state !== "paused") return [span("All agents may run: no pause of the fleet", "dim")];
  const reason = control.reason === null ? "" : `: ${control.reason}`;
  const since = pastText(control.at, new Date(at));
  return [span(inOneLine(`PAUSED by ${control.by} since ${since}${reason}`), "warn")];
}

function backlogLine({ work }: Overview): Line {
  const { at_least, next_due_s, oldest_s, scheduled, waiting } = work;
  const oldest = oldest_s === null ? "" : `, the oldest for ${secondsText(oldest_s)}`;
  const next = next_due_s === null ? "" : `, the next in ${secondsText(next_due_s)}`;
  return [
    span("waiting "),
    span(countText(waiting, at_least.waiting), "bold"),
    span(oldest),
    span("   scheduled "),
    span(countText(scheduled, at_least.scheduled), "bold"),
    span(next),
  ];
}

function doneLine({ work }: Overview): Line {
  const { at_least, dead_letters, failed_per_s, in_flight } = work;
  const areLetters = (dead_letters?.n ?? at_least.dead_letters ?? 0) > 0;
  return [
    span("in flight "),
    span(countText(in_flight, at_least.in_flight), "bold"),
    span("   dead letters "),
    span(countText(dead_letters, at_least.dead_letters), areLetters ? "bad" : "bold"),
    span("   failing "),
    span(rateText(failed_per_s), failed_per_s ? "bad" : "bold"),
    span(`   ${drainText(work)}`),
  ];
}

function drainText({ drained_in_s, waiting }: Overview["work"]): string {
  if (waiting === null || (waiting.n === 0 && !waiting.capped)) return "";
  if (drained_in_s === null) return "does not drain";
  return `drained in ${waiting.capped ? "≥ " : ""}${secondsText(drained_in_s)}`;
}

/** The rate, and its ten minutes: one bar for ten seconds. */
function sparkLines({ history, work }: Overview, columns: number): Line[] {
  const perS = history.processed.map((count) => count / history.every_s);
  const rate = rateText(work.processed_per_s);
  const highest = `highest ${rateText(Math.max(0, ...perS))}`;
  const bars = sparkline(perS, Math.max(10, columns - 40));
  return [[
    span("processed "),
    span(rate.padEnd(9), "bold"),
    span(bars, "good"),
    span(` ${highest}`, "dim"),
  ]];
}
