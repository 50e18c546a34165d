import {
  type FleetAgent,
  type FleetHistory,
  type FleetLook,
  MINUTE_STEPS,
} from "../../agent/fleet/fleet_view.ts";
import { durationText } from "../../agent/text/duration_text.ts";
import { shortened } from "../../agent/text/shortened.ts";
import { inOneLine } from "../../agent/text/terminal_text.ts";
import { agentsText, controlProblemText, controlText, pausedText } from "./fleet_text.ts";
import { troubleText } from "./trouble_text.ts";

/** Agents in a table, at most: JSON has all of them. */
const MAX_SHOWN = 100;
/** This much of a name and of a note is shown, in UTF-16 units. */
const MOST = { name: 40, note: 120 } as const;

/** What is shown of a fleet. */
export interface FleetSeen extends FleetLook {
  /** The database and the collection that the agents pull from. */
  readonly source: string;
  /** Names of agents that hold documents, and are not in the registry. */
  readonly unregistered: readonly string[];
}

/** A fleet in lines, of which the first tells most. No line holds what commands a terminal. */
export function fleetTable(seen: FleetSeen): string {
  const { agents, at, unregistered, withoutStatus } = seen;
  const shown = agents.slice(0, MAX_SHOWN);
  const rows = shown.map((agent) => rowOf(agent, at));
  const widths = HEAD.map((head, column) =>
    Math.max(...[HEAD, ...rows].map((row) => row[column]!.length), head.length)
  );
  const lines = (rows.length > 0 ? [HEAD, ...rows] : []).map((row) =>
    row.map((cell, column) =>
      NUMBERS.has(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)
    )
      .join("  ").trimEnd()
  );
  const more = agents.length - shown.length;
  return [
    ...headlines(seen),
    ...(lines.length > 0 ? ["", ...lines] : []),
    ...(more > 0 ? [`${agentsText(more)} more: --json prints all of them`] : []),
    ...withoutStatus.filter(({ presence }) => presence === "alive").map(({ name, version }) =>
      `${name} (version ${version}) shows no status: it is of an earlier version, or has FLEET=off`
    ),
    ...unregistered.map((name) =>
      `${name} holds documents and is not in the registry: it is of an earlier version, has FLEET=off, lacks rights on ` +
      "the registry, or was killed"
    ),
  ].map((line) => line === "" || line.includes("  ") ? line : inOneLine(line)).join("\n");
}

const HEAD = ["AGENT", "STATE", "HELD", "RUNNING", "LAST MINUTE", "SEEN", "VERSION", "NOTE"];
const NUMBERS = new Set([2, 3, 4]);

function headlines({ agents, at, control, controlProblem, source }: FleetSeen): string[] {
  const counts = new Map<string, number>();
  for (const agent of agents) counts.set(stateOf(agent), (counts.get(stateOf(agent)) ?? 0) + 1);
  const states = [...counts].map(([state, count]) => `${count} ${state}`).join(", ");
  const now = agents.length === 0 ? "no agents" : `${agentsText(agents.length)}: ${states}`;
  const wanted = control === undefined ? [] : [`The operators want it to be ${controlText(control, at)}`];
  const problem = controlProblem === undefined ? [] : [controlProblemText(controlProblem)];
  return [`The fleet of ${source} has ${now}`, ...wanted, ...problem].map(inOneLine);
}

function stateOf({ presence, state }: FleetAgent): string {
  return presence === "alive" ? state : presence;
}

function rowOf(agent: FleetAgent, now: Date): string[] {
  const { held, history, name, running, silentMs, version } = agent;
  return [
    shortened(inOneLine(name), MOST.name),
    stateOf(agent),
    String(held),
    String(running),
    String(lastMinute(history)),
    silentMs < 1000 ? "now" : `${durationText(silentMs)} ago`,
    shortened(inOneLine(version), MOST.name),
    shortened(inOneLine(noteOf(agent, now)), MOST.note),
  ];
}

/** Documents that became processed in the last minute. */
function lastMinute(history: FleetHistory | undefined): number {
  return (history?.processed ?? []).slice(-MINUTE_STEPS).reduce((sum, count) => sum + count, 0);
}

/** What an operator has to know of it, if anything. */
function noteOf({ control, isReady, lastError, presence, trouble }: FleetAgent, now: Date): string {
  if (presence !== "alive") return "";
  if (control.state === "paused") return pausedText(control, now);
  if (!isReady) return `not ready${trouble === undefined ? "" : `: ${troubleText(trouble)}`}`;
  return lastError === undefined ? "" : `last error: ${lastError.message}`;
}
