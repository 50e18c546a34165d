import { CommandError } from "../agent/errors.ts";
import type { Environment } from "../agent/settings/environment.ts";
import { readSetting } from "../agent/settings/load_settings.ts";
import { answers } from "../agent/telemetry/printer.ts";
import { inOneLine } from "../agent/text/terminal_text.ts";
import { refreshed } from "./ask.ts";
import { COUNTERS } from "./counters.ts";
import { ageMs } from "./machine_time.ts";
import type { RunningStatus } from "./running_status.ts";
import { requireStatus, type Status } from "./status.ts";

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
  const seconds = inSeconds(look.ageMs);
  await answers.print(asJson ? inJson(look) : inWords(look, seconds));
  if (look.isResponding) return 0;
  throw notResponding(look);
}

/** The failure of a command whose agent has not answered in time. */
export function notResponding({ ageMs, status: { pid, updated_at } }: Look): CommandError {
  const seconds = inSeconds(ageMs);
  return new CommandError(
    `The agent (process ${pid}) has not responded since ${updated_at}, ${seconds} s ago: it is frozen, or a handler ` +
      "blocks the process. What is shown is what it wrote then. A liveness probe restarts it; without one, end it with SIGKILL",
  );
}

function inSeconds(ms: number): string {
  return (ms / 1000).toFixed(1);
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

function inShort({ attempt, id, progress, since, text }: RunningStatus): string {
  const part = progress === undefined ? "" : `, ${Math.floor(progress * 100)} %`;
  return `${id}, attempt ${attempt}, since ${since}${part}${text === undefined ? "" : `: ${text}`}`;
}

function inJson({ status, ageMs, isResponding }: Look): string {
  return JSON.stringify({ ...status, age_ms: Math.round(ageMs), responding: isResponding });
}

function inWords({ status, isResponding }: Look, seconds: string): string {
  const { control, counters, held, last_error: lastError, left_alone: left, loop, running = [] } = status;
  const state = isResponding
    ? status.state
    : `not responding since ${status.updated_at}; before that ${status.state}`;
  const rows: [string, string][] = [
    ["agent", `${status.name}, pid ${status.pid}, version ${status.version}, since ${status.started_at}`],
    ["state", state],
    ["control", `${control.state}, by ${control.source}, since ${control.since}`],
    ["ready", status.ready ? "yes" : "no"],
    ["MongoDB", status.connected ? "connected" : "out of reach"],
    ["loop", loop.stuck ? `stuck (${loop.stage})` : loop.stage],
    ["held", `${held.documents} documents, ${held.running} being processed`],
    ...running.map((each): [string, string] => ["running", inShort(each)]),
    ...Object.entries(COUNTERS).map(([name, doc]): [string, string] => [
      name,
      `${counters[name as keyof typeof COUNTERS] ?? 0} ${doc}`,
    ]),
    ["updated", `${status.updated_at}, ${seconds} s ago`],
  ];
  if (left) {
    rows.push([
      "left alone",
      `${left.documents} documents that cannot be claimed, as ${left.example}: ${left.reason}`,
    ]);
  }
  if (lastError) rows.push(["last error", `${lastError.message} (${lastError.at})`]);
  return rows.map(([name, text]) => `${name.padEnd(15)} ${inOneLine(text)}`).join("\n");
}
