/**
 * The processor of the agents, which leaves a line before and after each run.
 *
 * @module
 */

import type { Run } from "../../scripts/soak_check.ts";
import type { Mark } from "../support/agent_home.ts";
import { RUN_LOG } from "../witness/run_log.ts";

/**
 * The time of the machine in a process that has another clock: the kernel's, by which a file was changed just now. All of the
 * module takes it for that of the process.
 */
const MACHINE_TIME = `
const machineTime = () => {
  const file = Deno.env.get("MARKS") + "-time-" + Deno.pid;
  Deno.writeTextFileSync(file, "");
  return Deno.statSync(file).mtime.getTime();
};
const Date = Deno.env.get("FAKETIME_TIMESTAMP_FILE") ? { now: machineTime } : globalThis.Date;
`;

/**
 * Its source. The witness has lines of its own; these are counted without it. The variable `SPIN_MS` has it block the event
 * loop in the first run of every fortieth document.
 */
export const PROCESSOR = `${MACHINE_TIME}${RUN_LOG}
const spinMs = Number(Deno.env.get("SPIN_MS") ?? 0);
const first = (id) => {
  try { Deno.mkdirSync(Deno.env.get("MARKS") + "-spun-" + id); return true; } catch { return false; }
};
export default witnessed(async ({ _id, kind }, { attempt }) => {
  mark("start " + _id + " " + Date.now());
  if (spinMs > 0 && _id % 40 === 9 && first(_id)) {
    const end = performance.now() + spinMs;
    while (performance.now() < end);
  } else await new Promise((resolve) => setTimeout(resolve, kind === "slow" ? 300 : 150));
  mark("end " + _id + " " + Date.now());
  if (kind === "hopeless") throw Object.assign(new Error("hopeless"), { permanent: true });
  if (kind === "flaky" && attempt < 2) throw new Error("not yet");
});`;

/** The runs that it left lines of, by document. */
export function runsOf(marks: readonly Mark[]): Map<number, Run[]> {
  const runs = new Map<number, Run[]>();
  for (const { pid, text } of marks) {
    const [word, id, at] = text.split(" ");
    const own = runs.get(Number(id)) ?? [];
    runs.set(Number(id), own);
    if (word === "start") own.push({ pid, startMs: Number(at) });
    else own.findLast((run) => run.pid === pid)!.endMs = Number(at);
  }
  return runs;
}
