import type { AgentState } from "../events.ts";

/** What the operators want of all agents of a collection. */
export interface FleetControl {
  /** Changes with each change: an agent that has acted on it says so in its entry. */
  readonly id: string;
  readonly state: "running" | "paused";
  /** Who asked for it, as the command says. */
  readonly by: string;
  readonly reason: string | undefined;
  /** By the server's clock. */
  readonly at: Date;
}

/**
 * - `alive`: its last beat is recent.
 * - `frozen`: it has not beaten for too long, and the server still has a connection of it.
 * - `silent`: it has not beaten for too long. It was killed, is cut off or frozen: the server cannot tell, or may not.
 * - `dead`: it has not beaten for too long, and the server has no connection of it, or the same agent has started anew.
 */
export type Presence = "alive" | "frozen" | "silent" | "dead";

/** An agent as its entry in the registry shows it, judged by the server's clock. */
export interface FleetAgent {
  readonly id: string;
  /** For people: two agents may have the same. */
  readonly name: string;
  readonly version: string;
  readonly commit: string | undefined;
  /** How it claims. */
  readonly mode: string;
  readonly presence: Presence;
  readonly startedAt: Date;
  readonly seenAt: Date;
  /** Since its last beat, in milliseconds. */
  readonly silentMs: number;
  readonly state: AgentState;
  readonly isReady: boolean;
  /** Why it is not ready, if it says so. */
  readonly trouble: string | undefined;
  /** Whether it may claim, who decided it, and since when. */
  readonly control: {
    readonly state: "running" | "paused";
    readonly source: string;
    readonly by: string | undefined;
    readonly reason: string | undefined;
    readonly since: Date | undefined;
  };
  /** The {@linkcode FleetControl} that it acted on last. */
  readonly controlId: string | undefined;
  /** Documents that it holds, and those of them that are in their handler. */
  readonly held: number;
  readonly running: number;
  /** Since its start, in the words of the status. */
  readonly counters: Readonly<Record<string, number>>;
  readonly history: FleetHistory | undefined;
  readonly lastError: { readonly at: Date; readonly message: string } | undefined;
}

/** What happened in the last ten minutes: one number for each {@linkcode HISTORY_STEP_MS}, the oldest first. */
export interface FleetHistory {
  /** The end of the last step, by the server's clock; a multiple of the step. */
  readonly until: Date;
  readonly processed: readonly number[];
  /** Attempts that failed, and will be made again. */
  readonly retried: readonly number[];
  readonly deadLettered: readonly number[];
  /** The longest pick-up delay in a step, in milliseconds; 0 if nothing was picked up. */
  readonly pickUpMs: readonly number[];
}

/** Documents that could be claimed, as an agent has counted them at a time of the server's clock. */
export interface BacklogCount {
  readonly at: Date;
  readonly claimable: number;
  /** Counting ended there: there were as many or more. */
  readonly capped: boolean;
}

/**
 * An agent that is in the registry without a status: it is of an earlier version, or has `FLEET=off` and a fleet's rate
 * limit. No control of the fleet reaches it.
 */
export type AgentWithoutStatus = Pick<
  FleetAgent,
  "id" | "name" | "version" | "presence" | "seenAt" | "silentMs"
>;

/** All agents of a collection, at one moment. */
export interface FleetLook {
  /** By the server's clock. */
  readonly at: Date;
  /** Undefined if nothing was ever asked of the fleet. */
  readonly control: FleetControl | undefined;
  /** Why nothing can act on what was asked; undefined if that is not so. */
  readonly controlProblem: string | undefined;
  /** In the order in which they have started. */
  readonly agents: readonly FleetAgent[];
  readonly withoutStatus: readonly AgentWithoutStatus[];
  /** What waited in the last ten minutes, the oldest first, also as agents have counted it that have ended since. */
  readonly backlog: readonly BacklogCount[];
}

/** A step of a {@linkcode FleetHistory}, in milliseconds. */
export const HISTORY_STEP_MS = 10_000;
/** Steps of a {@linkcode FleetHistory}, at most. */
export const HISTORY_STEPS = 60;
/** Steps of the last minute: a rate is that of these. */
export const MINUTE_STEPS = 6;
