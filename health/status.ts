import type { AgentState } from "../agent/events.ts";
import type { SafeText } from "../agent/redact.ts";
import type { Counter } from "./counters.ts";
import { isInUse } from "./health_dir.ts";

/** An agent that has just started has this long to write its status, in milliseconds. */
const START_TIMEOUT_MS = 5000;
const LOOK_EVERY_MS = 20;

/** What `status.json` says: one line of JSON, for people and for the commands. */
export interface Status {
  /** As the agent's own PID namespace counts: to a sidecar it may name another process, or none. */
  pid: number;
  /** How many times the agent was asked by SIGURG to show that `pid` reaches it. */
  answers: number;
  name: string;
  version: string;
  state: AgentState;
  /** Whether the agent may claim, on whose word, and since when. */
  control: { state: "running" | "paused"; source: string; since: string };
  ready: boolean;
  /** Whether a MongoDB server that takes writes is in reach. */
  connected: boolean;
  /** What the poll loop is at, and whether it should have been done with it by now. */
  loop: { stage: string; stuck: boolean };
  held: { documents: number; running: number };
  counters: Record<Counter, number>;
  /** Documents that wait and cannot be claimed, as the last look found them; at least so many. */
  left_alone?: { documents: number; example: string; reason: string };
  /** The last thing that went wrong, if anything did. */
  last_error?: { at: string; message: SafeText };
  started_at: string;
  updated_at: string;
}

/** The status of the agent that lives in a health directory; undefined, with that printed, where there is none. */
export async function requireStatus(directory: string): Promise<Status | undefined> {
  for (const endMs = performance.now() + START_TIMEOUT_MS; await isInUse(directory);) {
    const status = await readStatus(directory);
    if (status) return status;
    if (performance.now() >= endMs) break;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  console.error(
    `No agent is running here: ${directory} is used by none (HEALTH_DIR names another directory)`,
  );
  return undefined;
}

/** The status of the agent that uses a health directory; undefined where its file is missing or not written yet. */
export async function readStatus(directory: string): Promise<Status | undefined> {
  let text: string;
  try {
    text = await Deno.readTextFile(`${directory}/status.json`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  try {
    const status = JSON.parse(text);
    return typeof status?.pid === "number" ? status as Status : undefined;
  } catch {
    return undefined;
  }
}
