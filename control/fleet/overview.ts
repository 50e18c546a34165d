/** A number of documents; `capped` if counting ended there, so that there are as many or more. */
export interface Count {
  n: number;
  capped: boolean;
}

/**
 * What `top --json` prints and what the overview of the dashboard shows: the work that waits, the agents, and what fails.
 * What is not known, because a right is missing or it could not be counted to the end, is null, and `notes` says why.
 */
export interface Overview {
  /** When it was looked, by the server's clock. */
  at: string;
  /** The database and the collection. */
  source: string;
  /** What the operators want of all agents; null if nothing was ever asked. */
  control: { state: "running" | "paused"; by: string; reason: string | null; at: string } | null;
  /** That nothing can act on what they have written, and what mends it; null if that is not so. */
  control_problem: string | null;
  work: {
    /** Documents that could be claimed now. */
    waiting: Count | null;
    /** How long the oldest of them has waited, in seconds. */
    oldest_s: number | null;
    /** Documents that are scheduled for later, retries among them, and when the next of them is due, in seconds. */
    scheduled: Count | null;
    next_due_s: number | null;
    in_flight: Count | null;
    dead_letters: Count | null;
    /**
     * Of what is null above because it could not be counted to the end, there are as many or more. Null if it is known, or
     * if nothing was counted. It tells how far counting came, and so is no number to compare with another one.
     */
    at_least: Record<"waiting" | "scheduled" | "in_flight" | "dead_letters", number | null>;
    /** Documents that became processed, each second, over the last minute. */
    processed_per_s: number | null;
    /** Attempts that failed, each second, over the last minute. */
    failed_per_s: number | null;
    /**
     * After so many seconds nothing waits any more: as fast as what waits has fallen in the last minute, or, if that is
     * not known yet, as fast as documents become processed. Null if it does not fall. If `waiting` is capped, it takes so
     * long or longer.
     */
    drained_in_s: number | null;
  };
  /** The last ten minutes of all agents together, oldest first: one number for each `every_s` seconds. */
  history: {
    every_s: number;
    until: string;
    processed: number[];
    failed: number[];
    dead_letters: number[];
    /** The longest pick-up delay, in milliseconds. */
    pick_up_ms: number[];
    /** Null where it was not looked. */
    waiting: (number | null)[];
    /** Whether counting ended at that number, so that as many or more waited: not all who look count equally far. */
    waiting_capped: boolean[];
  };
  agents: AgentRow[];
  /** How many agents there are: `agents` has the first of them alone. */
  agents_total: number;
  /** What fails, in groups: of the newest dead letters, and of the agents' last errors. */
  errors: ErrorRow[];
  notes: string[];
}

/** An agent of an {@linkcode Overview}. */
export interface AgentRow {
  id: string;
  name: string;
  version: string;
  presence: "alive" | "frozen" | "silent" | "dead";
  state: string;
  ready: boolean;
  trouble: string | null;
  paused: { source: string; by: string | null; reason: string | null; since: string | null } | null;
  held: number;
  running: number;
  processed_per_s: number;
  started_at: string;
  /** Since its last beat. */
  silent_s: number;
  last_error: { at: string; message: string } | null;
}

/** Errors that differ in digits, ids and quoted texts alone. */
export interface ErrorRow {
  pattern: string;
  of: "dead_letters" | "agents";
  count: number;
  first: string | null;
  last: string | null;
  /** A document that has failed so, as `why` takes it; null for an error of an agent. */
  example_id: string | null;
  example: string;
}
