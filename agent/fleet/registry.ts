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

/** What an agent reports of itself. */
export interface FleetEntry {
  /** Whether it claims: agents that are paused or drain do not. */
  readonly isWorking: boolean;
  /** The share of the fleet's limit that it may use from now on, from 0 to 1. */
  readonly share: number;
  /** Without another beat, it counts as alive for this long, in milliseconds. */
  readonly livesMs: number;
}

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
