/**
 * What people read of the chaos.
 *
 * @module
 */

import type { ChaosReport } from "./chaos.ts";
import type { RowResult } from "./row_result.ts";

const PROBLEMS_SHOWN = 20;
const LINES_SHOWN = 5;

/** One row. */
export function resultText(result: RowResult): string {
  const { blamed, drainMs, inserted, inVain, lost, name, problems, recoverMs, repeated, said, unexcused } =
    result;
  return [
    `${name}: ${inserted} documents, ${lost} lost, ${blamed} blamed, ${repeated} repeated (${unexcused} without excuse), ` +
    `${inVain} attempts in vain; ${result.killed} kills, ${result.disturbances} disturbances; recovers in ` +
    `${recoverMs} ms, drained in ${drainMs} ms, stalled for ${result.stalledMs} ms; ${result.lines} lines (${result.warnings} warnings), ` +
    `${result.memoryMb} MiB; the witness: ${JSON.stringify(result.witness.counts)}`,
    ...said.slice(0, LINES_SHOWN).map(([line, count]) => `  ${count} times: ${line}`),
    ...problems.slice(0, PROBLEMS_SHOWN).map((problem) => `  PROBLEM ${problem}`),
  ].join("\n");
}

/** The end. */
export function reportText({ problems, results }: ChaosReport): string {
  return problems.length === 0
    ? `${results.length} rows: nothing was lost, repeated without excuse or dead-lettered without reason`
    : `${problems.length} problems`;
}
