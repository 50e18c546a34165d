import { readSetting } from "../agent/load_settings.ts";
import { COUNTERS } from "./counters.ts";
import { requireStatus, type Status } from "./status.ts";

/** Prints what the agent of this health directory is doing; `false` where there is none. */
export async function printStatus(
  { json, env }: { json: boolean; env: (variable: string) => string | undefined },
): Promise<boolean> {
  const status = await requireStatus(readSetting("healthDir", env));
  if (!status) return false;
  console.log(json ? JSON.stringify(status) : inWords(status));
  return true;
}

function inWords(status: Status): string {
  const { control, counters, held, last_error: lastError, left_alone: left, loop } = status;
  const rows: [string, string][] = [
    ["agent", `${status.name}, pid ${status.pid}, version ${status.version}, since ${status.started_at}`],
    ["state", status.state],
    ["control", `${control.state}, by ${control.source}, since ${control.since}`],
    ["ready", status.ready ? "yes" : "no"],
    ["MongoDB", status.connected ? "connected" : "out of reach"],
    ["loop", loop.stuck ? `stuck (${loop.stage})` : loop.stage],
    ["held", `${held.documents} documents, ${held.running} being processed`],
    ...Object.entries(COUNTERS).map(([name, doc]): [string, string] => [
      name,
      `${counters[name as keyof typeof COUNTERS]} ${doc}`,
    ]),
    ["updated", status.updated_at],
  ];
  if (left) {
    rows.push([
      "left alone",
      `${left.documents} documents that cannot be claimed, as ${left.example}: ${left.reason}`,
    ]);
  }
  if (lastError) rows.push(["last error", `${lastError.message} (${lastError.at})`]);
  return rows.map(([name, text]) => `${name.padEnd(15)} ${text}`).join("\n");
}
