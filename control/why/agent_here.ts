import { CommandError } from "../../agent/errors.ts";
import { ageMs } from "../../health/machine_time.ts";
import { isInUse } from "../../health/health_dir.ts";
import { readStatus, type Status } from "../../health/status.ts";

/** The agent of this machine or container, as its status tells. */
export interface AgentHere {
  readonly status: Status;
  /** Whether it still writes its status. */
  readonly isAlive: boolean;
}

/** A status that is older than this many heartbeats is one of an agent that is frozen. */
const MISSED_BEATS = 3;
const LEAST_AGE_MS = 30_000;

/**
 * The agent that uses a health directory, by its files alone: no signal is sent. Undefined if no agent does, or if it
 * cannot be told.
 */
export async function agentHere(directory: string): Promise<AgentHere | undefined> {
  try {
    if (!await isInUse(directory)) return undefined;
    const status = await readStatus(directory);
    if (status === undefined) return undefined;
    const age = ageMs({ at: status.updated_at, machine_uptime_s: status.machine_uptime_s });
    return { status, isAlive: age <= Math.max(LEAST_AGE_MS, MISSED_BEATS * (status.heartbeat_ms ?? 0)) };
  } catch (error) {
    // The story of the document does not depend on it.
    if (error instanceof CommandError) return undefined;
    throw error;
  }
}
