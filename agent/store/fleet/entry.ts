import type { Document } from "mongodb";
import type { AgentWithoutStatus, FleetAgent, FleetHistory } from "../../fleet/fleet_view.ts";
import type { AgentState } from "../../events.ts";
import { validDate } from "../../lib/valid_date.ts";
import { BACKLOG_PREFIX } from "./backlog_id.ts";
import { textOf } from "./stored_text.ts";

/** An agent that has not been seen for this long is gone, in milliseconds: its entry is removed, and not shown any more. */
export const GONE_MS = 600_000;
/**
 * Entries are found by the time at which they were seen, give or take so much, in milliseconds: clocks are set, and what is
 * known of the server's may be a little behind.
 */
export const SLACK_MS = 7 * 86_400_000;

/** An agent's entry in the registry, as it is stored: not judged yet. */
export interface Entry {
  readonly seen: Omit<AgentWithoutStatus, "presence">;
  /** Without another beat it counts as alive for this long, in milliseconds. */
  readonly livesMs: number;
  /** It was seen at a time to come: the server's clock was set back, and how long it has been silent is not known. */
  readonly isAhead: boolean;
  /** Undefined if the agent reports none. */
  readonly status: Omit<FleetAgent, keyof AgentWithoutStatus> | undefined;
}

/**
 * A time of the server that is so far ahead of what is known of its clock, in milliseconds, was written before that clock was
 * set back. What is known is a little behind.
 */
export const AHEAD_MS = 5000;

const STATES: ReadonlySet<unknown> = new Set<AgentState>([
  "starting",
  "running",
  "paused",
  "draining",
  "stopped",
]);

/**
 * Reads the entry of an agent, which may be of another version; undefined if it is none.
 *
 * @param nowMs the server's time
 */
export function entryIn(document: Document, nowMs: number): Entry | undefined {
  const { _id: id, lives_ms, name, seen_at, version } = document;
  const seenAt = validDate(seen_at);
  if (typeof id !== "string" || id.startsWith(BACKLOG_PREFIX) || seenAt === undefined) return undefined;
  return {
    seen: {
      id,
      name: textOf(name) ?? "(no name)",
      version: textOf(version) ?? "(no version)",
      seenAt,
      silentMs: Math.max(0, nowMs - seenAt.getTime()),
    },
    livesMs: countOf(lives_ms),
    isAhead: seenAt.getTime() > nowMs + AHEAD_MS,
    status: statusIn(document),
  };
}

function statusIn(document: Document): Entry["status"] {
  const { commit, control, control_id, counters, held, history, last_error, mode, ready, running, state } =
    document;
  if (!STATES.has(state)) return undefined;
  const startedAt = validDate(document.started_at);
  if (startedAt === undefined) return undefined;
  const { by, reason, since, source } = objectOf(control);
  const { at, message } = objectOf(last_error);
  const failedAt = validDate(at);
  return {
    commit: textOf(commit),
    mode: textOf(mode) ?? "document",
    startedAt,
    state,
    isReady: ready === true,
    trouble: textOf(document.trouble),
    control: {
      state: objectOf(control).state === "paused" ? "paused" : "running",
      source: textOf(source) ?? "start",
      by: textOf(by),
      reason: textOf(reason),
      since: validDate(since),
    },
    controlId: textOf(control_id),
    held: countOf(held),
    running: countOf(running),
    counters: Object.fromEntries(
      Object.entries(objectOf(counters)).map(([word, count]) => [word, countOf(count)]),
    ),
    history: historyIn(objectOf(history)),
    lastError: failedAt && { at: failedAt, message: textOf(message) ?? "" },
  };
}

function historyIn(history: Document): FleetHistory | undefined {
  const until = validDate(history.until);
  if (until === undefined) return undefined;
  const counts = (value: unknown) => Array.isArray(value) ? value.map(countOf) : [];
  return {
    until,
    processed: counts(history.processed),
    retried: counts(history.retried),
    deadLettered: counts(history.dead_lettered),
    pickUpMs: counts(history.pick_up_ms),
  };
}

/** A number from 0; 0 if it is none. */
function countOf(value: unknown): number {
  const count = Number(value ?? 0);
  return Number.isFinite(count) && count > 0 ? count : 0;
}

function objectOf(value: unknown): Document {
  return typeof value === "object" && value !== null ? value : {};
}
