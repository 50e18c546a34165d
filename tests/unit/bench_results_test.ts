import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { Conditions, Results } from "../../bench/report.ts";
import { writeResults } from "../../bench/write.ts";
import { TempDir } from "../support/temp_dir.ts";

function conditions(date: string): Conditions {
  return { Date: date, CPU: "two cores" };
}

function rowsOf(document: string, heading: string): string[] {
  const [, part = ""] = document.split(`### ${heading}\n`);
  return part.split("###")[0]!.split("\n").filter((line) => line.startsWith("|")).slice(2)
    .map((line) => line.replaceAll(/ +/g, " "));
}

async function written(dir: string, results: Results): Promise<string> {
  await writeResults(results, dir);
  return await Deno.readTextFile(`${dir}/performance.md`);
}

Deno.test("writeResults() replaces the figures of what was measured anew, and names the conditions of each", async () => {
  await using dir = await TempDir.make();
  const memory = (peakMib: number) => [{ size: "100 B", settings: "default", documents: 5, peakMib }];
  // The directory need not be there: the figures of an hour would be lost.
  const out = `${dir.path}/figures`;
  const first = await written(out, {
    memory: { conditions: conditions("2026-01-01"), figures: memory(90) },
    start: { conditions: conditions("2026-01-01"), figures: 240 },
  });
  assertEquals(rowsOf(first, "Machine and versions"), [
    "| Date | 2026-01-01 | all |",
    "| CPU | two cores | all |",
  ]);

  const second = await written(out, {
    memory: { conditions: conditions("2026-02-02"), figures: memory(95.123456789) },
  });
  assertEquals(rowsOf(second, "Memory"), ["| 100 B | default | 5 | 95 MiB |"]);
  assertEquals(rowsOf(second, "One agent"), ["| Start to first document, median | 240 ms |"]);
  assertEquals(rowsOf(second, "Machine and versions"), [
    "| Date | 2026-02-02 | memory |",
    "| Date | 2026-01-01 | start |",
    "| CPU | two cores | all |",
  ]);
  assertStringIncludes(await Deno.readTextFile(`${out}/performance.json`), '"peakMib": 95.1235');
});

Deno.test("writeResults() keeps the text around the figures, and asks for the marks if a document has none", async () => {
  await using dir = await TempDir.make();
  const path = `${dir.path}/performance.md`;
  const start = { start: { conditions: {}, figures: 240 } };
  await Deno.writeTextFile(
    path,
    "Before\n\n<!-- generated: figures -->\nold\n<!-- /generated: figures -->\n\nAfter\n",
  );
  const document = await written(dir.path, start);
  assertMatch(document, /^Before\n[\s\S]*240 ms[\s\S]*\nAfter\n$/);
  assertEquals(document.includes("old"), false);

  await Deno.writeTextFile(path, "Before\n");
  const failed = await written(dir.path, start).then(() => "", String);
  assertMatch(failed, /performance\.md has no part between .* put the marks in$/);
});
