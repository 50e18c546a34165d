import { formatted, withPart } from "../scripts/generated_part.ts";
import { chartsOf } from "./chart.ts";
import { documentText, type Results } from "./report.ts";

const FIGURES = "figures";

/**
 * Writes results to `performance.json` of a directory, which is made if it is missing, in place of the earlier ones of the same measurements. All
 * figures of the file then go between the marks of `performance.md`, and into the charts beside it, `performance.svg` and `performance_server.svg`.
 */
export async function writeResults(measured: Results, directory: string): Promise<void> {
  const file = `${directory}/performance`;
  await Deno.mkdir(directory, { recursive: true });
  const before = await read(`${file}.json`);
  const results: Results = { ...(before === undefined ? {} : JSON.parse(before)), ...measured };
  const json = JSON.stringify(results, (_, value) => typeof value === "number" ? rounded(value) : value);
  await Deno.writeTextFile(`${file}.json`, await formatted(json, "json"));
  // The document tells what is stored: a figure that is rounded twice may end in another digit.
  const stored: Results = JSON.parse(json);
  if (stored.throughput) {
    for (const { file: end, svg } of chartsOf(stored.throughput.figures)) {
      await Deno.writeTextFile(`${file}${end}.svg`, await formatted(svg, "svg"));
    }
  }
  const document = await read(`${file}.md`) ??
    `<!-- generated: ${FIGURES} -->\n<!-- /generated: ${FIGURES} -->\n`;
  const part = { mark: FIGURES, content: documentText(stored) };
  await Deno.writeTextFile(`${file}.md`, await formatted(withPart(document, part, `${file}.md`), "md"));
}

async function read(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** No figure is that exact. */
function rounded(value: number): number {
  return Number(value.toPrecision(6));
}
