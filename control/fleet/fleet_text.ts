import type { AgentWithoutStatus, FleetAgent, FleetControl } from "../../agent/fleet/fleet_view.ts";
import { MEND_CONTROL } from "../../agent/fleet/unusable_control.ts";
import { durationText, pastText } from "../../agent/text/duration_text.ts";

/** An agent for people: two of a fleet may have the same name, but they have not started in the same second. */
export function agentText({ name, startedAt }: Pick<FleetAgent, "name" | "startedAt">): string {
  return `${name} (started at ${startedAt.toISOString().slice(0, 19)}Z)`;
}

/** How long ago an agent was seen. */
export function seenText({ silentMs }: Pick<AgentWithoutStatus, "silentMs">): string {
  return `seen ${silentMs < 1000 ? "just now" : `${durationText(silentMs)} ago`}`;
}

/** A request, with who made it, when and why. */
export function controlText({ at, by, reason, state }: FleetControl, now: Date): string {
  return `${state}, by ${by} since ${pastText(at.toISOString(), now)}${reasonText(reason)}`;
}

/** That nothing can act on what operators have written, and why. */
export function controlProblemText(problem: string): string {
  return `What operators have written controls nothing: ${problem}: ${MEND_CONTROL}`;
}

/** What keeps an agent from claiming, by whom and why. */
export function pausedText({ by, reason, since, source }: FleetAgent["control"], now: Date): string {
  const who = by === undefined ? "" : ` (${by})`;
  const when = since === undefined ? "" : ` since ${pastText(since.toISOString(), now)}`;
  return `paused by ${source}${who}${when}${reasonText(reason)}`;
}

function reasonText(reason: string | undefined): string {
  return reason === undefined ? "" : `: ${reason}`;
}

/** `3 agents`, `1 agent`. */
export function agentsText(count: number): string {
  return `${count} ${count === 1 ? "agent" : "agents"}`;
}
