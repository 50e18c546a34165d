import { chartOf } from "./chart.ts";
import { type Report, reportText } from "./report.ts";

const [START, END] = ["<!-- generated: figures -->", "<!-- /generated: figures -->"];

/** Writes the report between the marks of `performance.md`, and the chart beside it. Other text in the document stays. */
export async function writeReport(report: Report, directory: string): Promise<void> {
  const path = `${directory}/performance.md`;
  const before = await Deno.readTextFile(path).catch(() => `${START}\n${END}\n`);
  const [from, to] = [before.indexOf(START), before.indexOf(END)];
  if (from < 0 || to < from) {
    throw new Error(`${path} has no part between ${START} and ${END}: put the marks in`);
  }
  const text = `${before.slice(0, from + START.length)}\n\n${reportText(report)}\n\n${before.slice(to)}`;
  await Deno.writeTextFile(path, text);
  await Deno.writeTextFile(`${directory}/performance.svg`, chartOf(report.throughput ?? []));
  await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", path] }).output();
}
