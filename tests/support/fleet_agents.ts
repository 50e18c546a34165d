/**
 * Agents as a fleet reader would find them.
 *
 * @module
 */

import type { FleetAgent, FleetHistory, FleetLook } from "../../agent/fleet/fleet_view.ts";

/** An agent that is well and has done nothing. */
export function fleetAgent(overrides: Partial<FleetAgent> = {}): FleetAgent {
  const at = overrides.seenAt ?? new Date("2026-01-01T12:00:00Z");
  return {
    id: "a",
    name: "agent-a",
    version: "1.0.0",
    commit: undefined,
    mode: "document",
    presence: "alive",
    startedAt: at,
    seenAt: at,
    silentMs: 0,
    state: "running",
    isReady: true,
    trouble: undefined,
    control: { state: "running", source: "start", by: undefined, reason: undefined, since: undefined },
    controlId: undefined,
    held: 0,
    running: 0,
    counters: {},
    history: undefined,
    lastError: undefined,
    ...overrides,
  };
}

/** A look at a fleet that has no agents, and of which nothing was asked. */
export function fleetLook(overrides: Partial<FleetLook> = {}): FleetLook {
  return {
    at: new Date(),
    control: undefined,
    controlProblem: undefined,
    agents: [],
    withoutStatus: [],
    backlog: [],
    ...overrides,
  };
}

/** Its history until a time, without failures unless they are given. */
export function fleetHistory(
  until: string,
  processed: readonly number[],
  overrides: Partial<FleetHistory> = {},
): FleetHistory {
  const none = processed.map(() => 0);
  return {
    until: new Date(until),
    processed,
    retried: none,
    deadLettered: none,
    pickUpMs: none,
    ...overrides,
  };
}
