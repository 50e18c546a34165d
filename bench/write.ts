import { chartOf } from "./chart.ts";
import { type Report, reportText } from "./report.ts";

const [START, END] = ["<!-- generated: figures -->", "<!-- /generated: figures -->"];
const CHART = "![Documents a second, the agent beside others](performance.svg)";

/** Writes the report between the marks of `performance.md`, and the chart, if there is one, beside it. Other text in the document stays. */
export async function writeReport(report: Report, directory: string): Promise<void> {
  const path = `${directory}/performance.md`;
  const before = await Deno.readTextFile(path).catch(() => `${START}\n${END}\n`);
  const [from, to] = [before.indexOf(START), before.indexOf(END)];
  if (from < 0 || to < from) {
    throw new Error(`${path} has no part between ${START} and ${END}: put the marks in`);
  }
  const chart = report.throughput && chartOf(report.throughput);
  const figures = [chart && CHART, reportText(report)].filter(Boolean).join("\n\n");
  await Deno.writeTextFile(
    path,
    `${before.slice(0, from + START.length)}\n\n${figures}\n\n${before.slice(to)}`,
  );
  const svg = `${directory}/performance.svg`;
  if (chart) await Deno.writeTextFile(svg, chart);
  const written = chart ? [path, svg] : [path];
  await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", ...written] }).output();
}
