import { CommandError } from "../agent/errors.ts";
import { MAX_COUNTED } from "../agent/events.ts";
import type { Environment } from "../agent/settings/environment.ts";
import { readSetting } from "../agent/settings/load_settings.ts";
import { answers } from "../agent/telemetry/printer.ts";
import { durationText, pastText } from "../agent/text/duration_text.ts";
import { inOneLine } from "../agent/text/terminal_text.ts";
import { refreshed } from "./ask.ts";
import { COUNTERS } from "./counters.ts";
import { limitText } from "./limit_status.ts";
import { ageMs } from "./machine_time.ts";
import type { RunningStatus } from "./running_status.ts";
import { type BacklogStatus, requireStatus, type Status } from "./status.ts";
import { headline, whyText } from "./status_headline.ts";

/** If a status is older than this many heartbeats, one is missing. */
const MISSED_BEATS = 1.5;
/** Ages are measured in whole seconds at the worst. */
const LEAST_AGE_MS = 3000;

/** A status, and how far to trust it. */
export interface Look {
  status: Status;
  /** How old it is. */
  ageMs: number;
  /** Whether its agent still writes it. */
  isResponding: boolean;
}

/**
 * Prints what the agent of this health directory is doing; returns the exit status.
 *
 * @throws {CommandError} If there is none, or if the agent does not respond. Then its last status is printed first.
 */
export async function reportStatus(
  { asJson, env }: { asJson: boolean; env: Environment },
): Promise<number> {
  const look = await lookAt(readSetting("healthDir", env));
  await answers.print(asJson ? inJson(look) : inWords(look));
  if (look.isResponding) return 0;
  throw notResponding(look);
}

/** The failure of a command whose agent has not answered in time. */
export function notResponding({ status: { pid, updated_at } }: Look): CommandError {
  const since = pastText(updated_at, new Date());
  return new CommandError(
    `The agent (process ${pid}) has not responded since ${since}: it is frozen, or a handler ` +
      "blocks the process. What is shown is what it wrote then. A liveness probe restarts it; without one, end it with SIGKILL",
  );
}

/**
 * The agent is asked for a new status, and has some seconds to write it. If it cannot be asked, because the container
 * does not share its processes, its status is believed for as long as a heartbeat takes.
 *
 * @throws {CommandError} If there is no agent, or its status cannot be used.
 */
export async function lookAt(directory: string): Promise<Look> {
  const status = await requireStatus(directory);
  const fresh = await refreshed(directory, status);
  if (fresh) return { status: fresh, ageMs: ageOf(fresh), isResponding: true };
  const age = ageOf(status);
  const lateMs = Math.max(LEAST_AGE_MS, MISSED_BEATS * (status.heartbeat_ms ?? 0));
  return { status, ageMs: age, isResponding: age <= lateMs };
}

function ageOf({ updated_at, machine_uptime_s }: Status): number {
  return ageMs({ at: updated_at, machine_uptime_s });
}

/** The first line of a status: what its agent is doing, in one sentence. */
export function summaryOf({ status, isResponding }: Look): string {
  return inOneLine(headline(status, { now: new Date(), isResponding }));
}

/** A status in one line of JSON. */
export function inJson(look: Look): string {
  const { status, ageMs, isResponding } = look;
  const shown = { ...status, age_ms: Math.round(ageMs), responding: isResponding, summary: summaryOf(look) };
  return JSON.stringify(shown);
}

/** A status in lines, of which the first tells most. No line holds what commands a terminal. */
export function inWords(look: Look): string {
  const lines = rowsOf(look).map(([name, text]) => `${name.padEnd(15)} ${inOneLine(text)}`);
  return [summaryOf(look), "", ...lines].join("\n");
}

function rowsOf({ status, ageMs, isResponding }: Look): [string, string][] {
  const { control, counters, held, last_error: lastError, left_alone: left, loop, running = [] } = status;
  const { backlog, last_minute: minute, rate_limit: limit, server, started_at, state_since, updated_at } =
    status;
  const now = new Date();
  const since = (time: string | undefined) => time === undefined ? "" : `, since ${pastText(time, now)}`;
  const state = isResponding
    ? status.state + since(state_since)
    : `not responding${since(updated_at)}; before that ${status.state}`;
  const rows: [string, string][] = [
    ["agent", `${status.name}, pid ${status.pid}, version ${status.version}${since(started_at)}`],
    ["state", state],
    ["control", `${control.state}, by ${control.source}${whyText(control)}${since(control.since)}`],
    ["ready", status.ready ? "yes" : "no"],
    ["MongoDB", status.connected ? "connected" : "out of reach"],
    ...(server ? [["server", serverText(server)] as [string, string]] : []),
    ["loop", (loop.stuck ? `stuck (${loop.stage})` : loop.stage) + since(loop.since)],
    ["held", `${held.documents} documents, ${held.running} being processed`],
    ...running.map((each): [string, string] => ["running", inShort(each, now)]),
  ];
  if (limit) rows.push(["rate limit", limitText(limit)]);
  if (minute) rows.push(["last minute", minuteText(minute)]);
  for (const [name, doc] of Object.entries(COUNTERS)) {
    rows.push([name, `${counters[name as keyof typeof COUNTERS] ?? 0} ${doc}`]);
  }
  if (backlog) rows.push(["backlog", backlogText(backlog, now)]);
  rows.push(["updated", `${updated_at}, ${(ageMs / 1000).toFixed(1)} s ago`]);
  if (left) {
    rows.push([
      "left alone",
      `${left.documents} documents that cannot be claimed, as ${left.example}: ${left.reason}`,
    ]);
  }
  if (lastError) rows.push(["last error", `${lastError.message} (${pastText(lastError.at, now)})`]);
  return rows;
}

function inShort({ attempt, id, progress, since, text }: RunningStatus, now: Date): string {
  const part = progress === undefined ? "" : `, ${Math.floor(progress * 100)} %`;
  return `${id}, attempt ${attempt}, since ${pastText(since, now)}${part}${
    text === undefined ? "" : `: ${text}`
  }`;
}

function serverText({ lacks, name }: NonNullable<Status["server"]>): string {
  return lacks.length === 0 ? name : `${name}, without ${lacks.join(", ")}`;
}

function minuteText(minute: NonNullable<Status["last_minute"]>): string {
  const { dead_lettered, processed, retried, seconds, snoozed } = minute;
  const put = snoozed > 0 ? `, ${snoozed} put off` : "";
  return `${processed} processed, ${retried} retried, ${dead_lettered} became dead letters${put}` +
    (seconds < 60 ? ` in the ${seconds} s since the start` : "");
}

function backlogText({ at, claimable, dead_letters: letters, oldest_s }: BacklogStatus, now: Date): string {
  const parts = [
    claimable === undefined ? [] : [`${upTo(claimable)} claimable`],
    oldest_s === undefined || claimable === 0 ? [] : [`the oldest for ${durationText(1000 * oldest_s)}`],
    letters === undefined ? [] : [`${upTo(letters)} dead letters`],
  ].flat();
  return `${parts.join(", ")}, as of ${pastText(at, now)}`;
}

function upTo(count: number): string {
  return count < MAX_COUNTED ? String(count) : `${count} or more`;
}
