import { systemClock } from "../agent/lib/clock.ts";
import { sleep } from "../agent/lib/deadline.ts";
import { isNotFound, readFileNow } from "../agent/lib/read_file.ts";
import type { AgentState } from "../agent/events.ts";
import { CommandError } from "../agent/errors.ts";
import type { SafeText } from "../agent/text/redact.ts";
import type { ActivityStatus } from "./activity.ts";
import type { ControlStatus } from "./control_status.ts";
import type { Counter } from "./counters.ts";
import { isInUse, unreadable } from "./health_dir.ts";
import type { LimitStatus } from "./limit_status.ts";
import type { MinuteCounts } from "./last_minute.ts";
import type { RunningStatus } from "./running_status.ts";
import type { TroubleStatus } from "./trouble.ts";

/** An agent that has just started has this long to write its status, in milliseconds. */
const START_TIMEOUT_MS = 5000;
const LOOK_EVERY_MS = 20;
/** The most that is read of a status, in bytes: many times what a status needs. */
const MAX_BYTES = 1024 * 1024;

/** What waits in MongoDB, as the last look found it. What is not known is missing. */
export interface BacklogStatus {
  /** Documents that could be claimed then; 10,000 stands for as many or more. */
  claimable?: number;
  /** How long the oldest of them had waited, in seconds. */
  oldest_s?: number;
  /** Dead letters; 10,000 stands for as many or more. */
  dead_letters?: number;
  /** When that was. */
  at: string;
}

/**
 * The content of `status.json`: one line of JSON, for people and for the commands. A status of an earlier version may lack
 * what may be missing here.
 */
export interface Status extends ActivityStatus {
  /** As the agent's own PID namespace counts: for a sidecar it may be another process, or none. */
  pid: number;
  /** How many times the agent was asked by SIGURG to show that `pid` reaches it. */
  answers: number;
  name: string;
  version: string;
  state: AgentState;
  state_since?: string;
  /** Whether the agent may claim, who decided it, and since when. */
  control: ControlStatus;
  ready: boolean;
  /** Whether a MongoDB server that takes writes is in reach. */
  connected: boolean;
  /** Which server answers, and what it lacks of what MongoDB has; known once the agent has asked it. */
  server?: { name: string; lacks: readonly string[] } | undefined;
  /** What keeps the agent from being ready, apart from its state. */
  trouble?: TroubleStatus | undefined;
  /** The stage of the poll loop, since when, and whether the loop should have left it by now. */
  loop: { stage: string; stuck: boolean; since?: string };
  held: { documents: number; running: number };
  /** Some of those that are being processed, longest first. */
  running?: RunningStatus[];
  counters: Record<Counter, number>;
  last_minute?: MinuteCounts;
  /** Known only if metrics are on. */
  backlog?: BacklogStatus | undefined;
  /** Known only if `RATE_LIMIT` is set. */
  rate_limit?: LimitStatus | undefined;
  /** Documents that wait and cannot be claimed, as the last look found them; at least so many. */
  left_alone?: { documents: number; example: string; reason: string } | undefined;
  /** The last thing that went wrong, if anything did. */
  last_error?: { at: string; message: SafeText } | undefined;
  started_at: string;
  updated_at: string;
  /**
   * Seconds that the machine had been up then, which no set clock changes. Missing if the system does not report it.
   */
  machine_uptime_s?: number | undefined;
  /** It is written at least this often. */
  heartbeat_ms: number;
}

/**
 * The status of the agent that lives in a health directory, as it was written last.
 *
 * @throws {CommandError} If there is no agent, its status cannot be used, or the directory cannot be read.
 */
export async function requireStatus(directory: string): Promise<Status> {
  for (const endMs = systemClock.monotonicMs() + START_TIMEOUT_MS; await isInUse(directory);) {
    const status = await readStatus(directory);
    if (status) return status;
    if (systemClock.monotonicMs() >= endMs) {
      throw new CommandError(
        `The agent of ${directory} has not written its status yet: it is starting, or cannot write there (see its log)`,
      );
    }
    await sleep(systemClock, LOOK_EVERY_MS);
  }
  throw new CommandError(
    `No agent uses the health directory ${directory}: start one, or set HEALTH_DIR to the directory of the agent you mean`,
  );
}

/**
 * The status of the agent that uses a health directory; undefined if its file is missing or not written yet.
 *
 * @throws {CommandError} If it cannot be read, or is not a status that this version understands.
 */
export async function readStatus(directory: string): Promise<Status | undefined> {
  const path = `${directory}/status.json`;
  let text: string;
  try {
    text = await readFileNow(path, MAX_BYTES);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw unreadable(directory, error);
  }
  // An agent that starts writes an empty object first, and a full disk leaves an empty file.
  if (/^\s*(\{\s*\})?\s*$/.test(text)) return undefined;
  const status = parsed(text);
  if (isStatus(status)) return status;
  const version = (status as { version?: unknown } | null | undefined)?.version;
  throw new CommandError(
    `${path} is not a status that this version understands` +
      (typeof version === "string" ? `, but one of version ${version}` : "") +
      ": run the executable of the agent itself",
  );
}

/** Waits until the status is as `accept` wants it; undefined if it is not by then. */
export async function awaitStatus(
  directory: string,
  timeoutMs: number,
  accept: (status: Status) => boolean,
): Promise<Status | undefined> {
  for (const endMs = systemClock.monotonicMs() + timeoutMs; systemClock.monotonicMs() < endMs;) {
    const status = await readStatus(directory);
    if (status && accept(status)) return status;
    await sleep(systemClock, LOOK_EVERY_MS);
  }
  return undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The fields that the commands need; any other field may exist or be missing. */
function isStatus(value: unknown): value is Status {
  const { pid, answers, state, control, held, counters, loop, updated_at } = (value ?? {}) as Partial<Status>;
  return typeof pid === "number" && typeof answers === "number" && typeof state === "string" &&
    typeof control?.state === "string" && typeof held?.documents === "number" &&
    typeof counters === "object" && counters !== null && typeof loop?.stage === "string" &&
    !Number.isNaN(Date.parse(updated_at ?? ""));
}
