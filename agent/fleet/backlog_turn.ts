import type { Backlog } from "../events.ts";

/** One agent of a fleet looks at what waits, and the others read what it has found. */
export interface BacklogOfFleet {
  /**
   * Finds out whose turn it is to look; undefined if the agent is in no registry yet, or in none at all. Throws what the
   * database throws.
   */
  turn(): Promise<BacklogTurn | undefined>;
  /** Whether the same operation may succeed later. */
  isTransient(error: unknown): boolean;
}

export type BacklogTurn = TurnOfOwn | TurnOfAnother;

/** It is the agent's own turn. */
export interface TurnOfOwn {
  readonly isOwn: true;
  /** Writes what was found; the next look is due `restMs` later. Throws what the database throws. */
  share(backlog: Backlog, restMs: number): Promise<void>;
}

/** Another agent has looked, or is looking. */
export interface TurnOfAnother {
  readonly isOwn: false;
  /** What the last look has found, and how long ago, in milliseconds; undefined if that is not known. */
  readonly seen: { readonly backlog: Backlog; readonly agoMs: number } | undefined;
  /** The next turn is due by then, in milliseconds. */
  readonly againInMs: number;
}
