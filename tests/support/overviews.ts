/**
 * Overviews as a reader would find them.
 *
 * @module
 */

import type { AgentRow, Overview } from "../../control/fleet/overview.ts";

const AT = "2026-01-01T12:00:00.000Z";

/** A fleet that has nothing to do. */
export function overviewOf(
  overrides: Partial<Omit<Overview, "work">> & { work?: Partial<Overview["work"]> } = {},
): Overview {
  const none = () => ({ n: 0, capped: false });
  const steps = (n: number) => new Array<number>(60).fill(n);
  const { work, ...others } = overrides;
  return {
    at: AT,
    source: "shop.orders",
    control: null,
    control_problem: null,
    work: {
      waiting: none(),
      oldest_s: null,
      scheduled: none(),
      next_due_s: null,
      in_flight: none(),
      dead_letters: none(),
      at_least: { waiting: null, scheduled: null, in_flight: null, dead_letters: null },
      processed_per_s: 0,
      failed_per_s: 0,
      drained_in_s: null,
      ...work,
    },
    history: {
      every_s: 10,
      until: AT,
      processed: steps(0),
      failed: steps(0),
      dead_letters: steps(0),
      pick_up_ms: steps(0),
      waiting: steps(0),
      waiting_capped: steps(0).map(() => false),
    },
    agents: [],
    agents_total: others.agents?.length ?? 0,
    errors: [],
    notes: [],
    ...others,
  };
}

/** An agent that is well. */
export function agentRow(overrides: Partial<AgentRow> = {}): AgentRow {
  const name = overrides.name ?? "agent-a";
  return {
    id: name,
    name,
    version: "1.2.3",
    presence: "alive",
    state: "running",
    ready: true,
    trouble: null,
    paused: null,
    held: 0,
    running: 0,
    processed_per_s: 0,
    started_at: AT,
    silent_s: 0,
    last_error: null,
    ...overrides,
  };
}
