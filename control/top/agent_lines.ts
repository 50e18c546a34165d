import { agoText } from "../../agent/text/duration_text.ts";
import { inOneLine } from "../../agent/text/terminal_text.ts";
import type { AgentRow, Overview } from "../fleet/overview.ts";
import { padded, squeezed, widthOf } from "./cell_text.ts";
import { type Line, type Look, span } from "./line.ts";
import { rateText, secondsText } from "./number_text.ts";
import { shownAgents, type View } from "./view.ts";

/** Cells of the columns; the name gets what is left, and the last column the rest. */
const WIDTHS = { state: 8, held: 6, running: 5, rate: 8, version: 8 } as const;
const [LEAST_NAME, MOST_NAME] = [16, 40];

/** The table of the agents in so many lines, the first of which tells how many there are. */
export function agentLines(
  overview: Overview,
  view: View,
  { columns, rows }: { columns: number; rows: number },
): Line[] {
  const found = shownAgents(overview.agents, view);
  const room = Math.max(1, rows - 2);
  const from = Math.min(view.scrolled, Math.max(0, found.length - room));
  const shown = found.slice(from, from + room);
  const longest = Math.max(...shown.map(({ name }) => widthOf(name)), LEAST_NAME);
  const name = Math.min(longest, MOST_NAME, Math.max(LEAST_NAME, columns - 62));
  const now = new Date(overview.at);
  return [
    [span(titleOf(overview, view, found.length - from - shown.length), "bold")],
    [span(
      rowText({
        name: "NAME",
        state: "STATE",
        held: "HELD",
        running: "RUNS",
        rate: "RATE",
        version: "VERSION",
      }, name) + "WHY",
      "dim",
    )],
    ...shown.map((agent): Line => agentLine(agent, name, now)),
  ];
}

/** How many there are of each state, such as `20 agents: 18 running, 2 paused`. */
function titleOf({ agents, agents_total }: Overview, { filter, sort, typing }: View, below: number): string {
  const counts = Map.groupBy(agents, stateOf);
  const states = [...counts].map(([state, { length }]) => `${length} ${state}`).join(", ");
  const total = `${agents_total} ${agents_total === 1 ? "agent" : "agents"}${states && `: ${states}`}`;
  const text = typing ?? filter;
  return [
    total,
    ...text ? [`filter "${text}"`] : [],
    `by ${sort}`,
    ...below > 0 ? [`${below} more below`] : [],
  ]
    .join("   ");
}

/** What an agent is doing: what it says of itself counts only while it lives. */
function stateOf({ paused, presence, state }: AgentRow): string {
  if (presence !== "alive") return presence;
  return paused && state === "running" ? "paused" : state;
}

function lookOf(agent: AgentRow): Look {
  if (agent.presence !== "alive" || agent.trouble !== null) return "bad";
  if (agent.paused || !agent.ready) return "warn";
  return "plain";
}

function agentLine(agent: AgentRow, name: number, now: Date): Line {
  const text = rowText({
    name: agent.name,
    state: stateOf(agent),
    held: String(agent.held),
    running: String(agent.running),
    rate: rateText(agent.processed_per_s),
    version: agent.version,
  }, name);
  return [
    span(text, lookOf(agent)),
    span(inOneLine(whyText(agent, now)).trim(), agent.presence === "alive" ? "dim" : "bad"),
  ];
}

function rowText(
  { held, name, rate, running, state, version }: Record<keyof typeof WIDTHS | "name", string>,
  nameCells: number,
): string {
  return [
    padded(squeezed(name, nameCells), nameCells),
    padded(state, WIDTHS.state),
    padded(held, WIDTHS.held, "right"),
    padded(running, WIDTHS.running, "right"),
    padded(rate, WIDTHS.rate, "right"),
    padded(` ${version}`, WIDTHS.version),
  ].join(" ") + " ";
}

/** Why it does not work, if it does not: silent since, paused by whom, what troubles it. */
function whyText({ last_error, paused, presence, silent_s, trouble }: AgentRow, now: Date): string {
  const ago = (time: string | null) => time === null ? "" : `, ${agoText(time, now)} ago`;
  if (presence !== "alive") return `seen ${secondsText(silent_s)} ago`;
  if (paused) {
    const by = paused.by ?? paused.source;
    return `by ${by}${ago(paused.since)}${paused.reason === null ? "" : `: ${paused.reason}`}`;
  }
  if (trouble !== null) return trouble;
  return last_error ? `last error: ${last_error.message}${ago(last_error.at)}` : "";
}
