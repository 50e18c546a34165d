import type { FleetAgent } from "../../agent/fleet/fleet_view.ts";
import { inOneLine } from "../../agent/text/terminal_text.ts";
import type { Confirmation } from "./confirmation.ts";
import { agentText, pausedText, seenText } from "./fleet_text.ts";

/** Agents that are named, at most. */
const MAX_NAMED = 20;

/**
 * Each agent that may not do what the operator wants, a sentence each. Agents that are dead do not count.
 *
 * @param holders names of agents that hold documents, in the registry or not
 */
export function problemsOf(
  { look: { agents, at, withoutStatus }, missing }: Confirmation,
  { holders, wanted }: { holders: readonly string[]; wanted: "running" | "paused" },
): readonly string[] {
  const known = new Set([...agents, ...withoutStatus].map(({ name }) => name));
  const found = [
    ...missing.map((agent) =>
      `${agentText(agent)} did not confirm; it was ${seenText(agent)}: see its log and its status`
    ),
    ...agents.flatMap((agent) => silenceOf(agent)),
    ...agents.filter((agent) => !missing.includes(agent)).flatMap((agent) => changedOf(agent, wanted, at)),
    ...withoutStatus.filter(({ presence }) => presence === "alive").map(({ name, version }) =>
      `${name} (version ${version}) takes no orders of the fleet, as it is of an earlier version or has FLEET=off: ${ALONE}`
    ),
    ...holders.filter((name) => !known.has(name)).map((name) =>
      `${name} holds documents and is not in the registry, as it is of an earlier version, has FLEET=off, lacks rights ` +
      `on the registry, or was killed: ${ALONE}`
    ),
  ].map(inOneLine);
  if (found.length <= MAX_NAMED) return found;
  return [...found.slice(0, MAX_NAMED), `${found.length - MAX_NAMED} more: see pulling-agent status --fleet`];
}

const ALONE = "tell it by its control file or by a signal";

function silenceOf(agent: FleetAgent): string[] {
  const seen = `it was ${seenText(agent)}`;
  if (agent.presence === "frozen") {
    return [
      `${
        agentText(agent)
      } is frozen, or may not write the registry any more; ${seen}: see its log. If it writes none, end ` +
      "it with SIGKILL, or delete its pod",
    ];
  }
  if (agent.presence === "silent") {
    return [
      `${
        agentText(agent)
      } is silent; ${seen}: it was killed, is cut off or frozen, and acts on it once it goes on`,
    ];
  }
  return [];
}

/** It has confirmed, and something else has changed it since. */
function changedOf(agent: FleetAgent, wanted: "running" | "paused", now: Date): string[] {
  const { control, presence, state } = agent;
  const isOver = state === "draining" || state === "stopped";
  if (presence !== "alive" || isOver || control.state === wanted) return [];
  const is = control.state === "paused" ? pausedText(control, now) : `running by ${control.source}`;
  return [`${agentText(agent)} is ${is}, as the latest change wins: see its control file`];
}
