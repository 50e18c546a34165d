import type { AgentRow } from "../fleet/overview.ts";

/** By what agents can be sorted, in the order in which a key goes on from one to the next. */
export const SORTS = ["trouble", "name", "rate", "held", "started"] as const;
export type Sort = typeof SORTS[number];

/** What the operator has chosen to see. */
export interface View {
  readonly sort: Sort;
  /** Agents whose name, state, version or reason has this text. */
  readonly filter: string;
  /** The text of the filter while it is typed. */
  readonly typing: string | undefined;
  readonly isPaused: boolean;
  readonly showsHelp: boolean;
  /** Agents that are scrolled away. */
  readonly scrolled: number;
}

/** What is shown at first. */
export const FIRST_VIEW: View = {
  sort: "trouble",
  filter: "",
  typing: undefined,
  isPaused: false,
  showsHelp: false,
  scrolled: 0,
};

const PRESENCES: Record<AgentRow["presence"], number> = { frozen: 3, silent: 3, dead: 2, alive: 0 };

/** How much an agent needs to be looked at. */
function troubleOf({ last_error, paused, presence, ready, trouble }: AgentRow): number {
  const here = paused ? 1 : !ready || trouble !== null ? 2 : last_error !== null ? 0.5 : 0;
  return PRESENCES[presence] + here;
}

const ORDERS: Record<Sort, (a: AgentRow, b: AgentRow) => number> = {
  trouble: (a, b) => troubleOf(b) - troubleOf(a),
  name: () => 0,
  rate: (a, b) => b.processed_per_s - a.processed_per_s,
  held: (a, b) => b.held - a.held,
  started: (a, b) => b.started_at.localeCompare(a.started_at),
};

/** The agents that a view shows, in its order. */
export function shownAgents(agents: readonly AgentRow[], { filter, sort, typing }: View): AgentRow[] {
  const text = (typing ?? filter).toLowerCase();
  const matches = ({ id, name, paused, presence, state, trouble, version }: AgentRow) =>
    [id, name, state, presence, version, trouble, paused ? "paused" : "", paused?.by, paused?.reason]
      .some((each) => each?.toLowerCase().includes(text));
  return agents.filter(matches).sort((a, b) =>
    ORDERS[sort](a, b) || a.name.localeCompare(b.name) || a.id.localeCompare(b.id)
  );
}
