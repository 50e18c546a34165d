import type { FleetAgent, FleetControl } from "./fleet_view.ts";
import type { UnusableControl } from "./unusable_control.ts";

/** The agents of a collection, as they report themselves: each has an entry, which it renews with each beat. */
export interface FleetRegistry {
  /** The collection that holds the entries, with its database. */
  readonly name: string;
  /** Writes the entry of this agent, seen now by the server's clock. Throws what the database throws. */
  beat(entry: FleetEntry): Promise<void>;
  /** Looks at the entries of all other agents. Throws what the database throws. */
  look(): Promise<OtherAgents>;
  /** Removes the entry of this agent. Throws what the database throws. */
  leave(): Promise<void>;
  /** Whether a right is missing. */
  isForbidden(error: unknown): boolean;
}

/** The registry, for an agent that shows itself in it and follows what the operators want of all agents. */
export interface FleetMembership extends Pick<FleetRegistry, "isForbidden" | "leave" | "name"> {
  /**
   * Writes what the agent reports into its entry, seen now by the server's clock. Without the collection of the documents it
   * makes no entry, and returns false: a wrong name must not make a collection, or a database. Throws what the database
   * throws.
   */
  report(report: AgentReport): Promise<boolean>;
  /** What the operators want of all agents; undefined if they have asked for nothing. Throws what the database throws. */
  control(): Promise<FleetControl | UnusableControl | undefined>;
  /** Whether the same operation may succeed later. */
  isTransient(error: unknown): boolean;
}

/** What an agent needs to know before its first claim. */
export interface FirstOrders {
  /** Whether {@linkcode know} has nothing to do. */
  readonly areKnown: boolean;
  /** Finds out. Throws what the database throws if it is out of reach: then a claim would fail as well. */
  know(): Promise<void>;
}

/** What an agent reports of itself for its share of a limit. */
export interface FleetEntry {
  /** Whether it claims: agents that are paused or drain do not. */
  readonly isWorking: boolean;
  /** The share of the fleet's limit that it may use from now on, from 0 to 1. */
  readonly share: number;
  /** Without another beat, it counts as alive for this long, in milliseconds. */
  readonly livesMs: number;
}

/** What an agent reports of itself for operators: its entry shows it so. */
export type AgentReport = Pick<
  FleetAgent,
  | "state"
  | "isReady"
  | "trouble"
  | "control"
  | "controlId"
  | "held"
  | "running"
  | "counters"
  | "history"
  | "lastError"
>;

/** What an agent sees of the others. */
export interface OtherAgents {
  /** Those that are alive and work. */
  readonly working: number;
  /** Those of them that come before this agent in an order that all agree on. */
  readonly before: number;
  /** The sum of the shares of all that are alive. */
  readonly shares: number;
  /** Those whose last beat is too long ago, by their own account: frozen, cut off, or killed. */
  readonly silent: number;
}
