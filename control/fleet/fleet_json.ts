import type { FleetAgent } from "../../agent/fleet/fleet_view.ts";
import type { FleetSeen } from "./fleet_table.ts";

/** A fleet in one line of JSON. */
export function fleetJson(
  { agents, at, control, controlProblem, source, unregistered, withoutStatus }: FleetSeen,
): string {
  return JSON.stringify({
    at,
    source,
    control: control === undefined ? null : { ...control, reason: control.reason ?? null },
    control_problem: controlProblem ?? null,
    agents: agents.map(agentJson),
    without_status: withoutStatus.map(({ id, name, presence, silentMs, version }) => ({
      id,
      name,
      version,
      presence,
      silent_s: silentMs / 1000,
    })),
    unregistered,
  });
}

function agentJson(agent: FleetAgent): Record<string, unknown> {
  const { control, lastError, silentMs } = agent;
  return {
    id: agent.id,
    name: agent.name,
    version: agent.version,
    commit: agent.commit ?? null,
    mode: agent.mode,
    presence: agent.presence,
    state: agent.state,
    ready: agent.isReady,
    trouble: agent.trouble ?? null,
    control: {
      state: control.state,
      source: control.source,
      by: control.by ?? null,
      reason: control.reason ?? null,
      since: control.since ?? null,
    },
    control_id: agent.controlId ?? null,
    held: agent.held,
    running: agent.running,
    counters: agent.counters,
    started_at: agent.startedAt,
    silent_s: silentMs / 1000,
    last_error: lastError ?? null,
  };
}
