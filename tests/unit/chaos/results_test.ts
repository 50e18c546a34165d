import { assertEquals, assertStringIncludes } from "@std/assert";
import { keepResults } from "../../chaos/results.ts";
import { resultText } from "../../chaos/report.ts";
import type { RowResult } from "../../chaos/row_result.ts";
import { ROWS } from "../../chaos/rows.ts";
import { TempDir } from "../../support/temp_dir.ts";

const CONDITIONS = { Date: "2026-01-02", CPU: "one" };
const RESULT: RowResult = {
  ...{
    name: "kill-agents",
    what: "Agents are killed",
    seconds: 60,
    inserted: 900,
    killed: 55,
    disturbances: 55,
  },
  ...{ processed: 880, failed: 20, lost: 0, blamed: 3, repeated: 7, unexcused: 0, inVain: 0, problems: [] },
  ...{
    lines: 300,
    warnings: 40,
    memoryMb: 90,
    recoverMs: 1234,
    drainMs: 4000,
    stalledMs: 0,
    said: [["Something", 3]],
  },
  witness: { ok: true, counts: { "doubles, killed": 7 }, breaches: [] },
};

Deno.test("keepResults() puts each row in the place of its earlier one, keeps the others, and writes the table", async () => {
  await using dir = await TempDir.make();
  await keepResults([RESULT, { ...RESULT, name: "clocks" }], CONDITIONS, dir.path);
  await keepResults(
    [{ ...RESULT, lost: 2, problems: ["one"] }],
    { ...CONDITIONS, Date: "2026-02-03" },
    dir.path,
  );
  const kept = JSON.parse(await Deno.readTextFile(`${dir.path}/reliability.json`));
  assertEquals(Object.keys(kept), ["kill-agents", "clocks"]);
  assertEquals([kept["kill-agents"].figures.lost, kept["kill-agents"].figures.problems], [2, 1]);
  const text = await Deno.readTextFile(`${dir.path}/reliability.md`);
  const row = text.split("\n").find((line) => line.includes("**`kill-agents`**"))!;
  const cells = row.split("|").map((cell) => cell.trim());
  assertEquals(cells.slice(2, -1), [
    ...[
      "55",
      "900",
      "2",
      "3",
      "7",
      "0",
      "0",
      "0",
      "0",
      "1.2 s",
      "0.0 s",
      "300, 40 of them warnings",
      "90 MiB",
    ],
  ]);
  assertStringIncludes(text, "Date: 2026-02-03");
  assertStringIncludes(text, "Date: 2026-01-02");
});

Deno.test("keepResults() takes the worse of the two counts of runs without excuse and of attempts in vain", async () => {
  await using dir = await TempDir.make();
  const counts = { "doubles, without an excuse": 3, "breaches": 4 };
  await keepResults(
    [{ ...RESULT, unexcused: 1, inVain: 5, witness: { ok: false, counts, breaches: [] } }],
    CONDITIONS,
    dir.path,
  );
  const text = await Deno.readTextFile(`${dir.path}/reliability.md`);
  const row = text.split("\n").find((line) => line.includes("**`kill-agents`**"))!;
  assertEquals(row.split("|").map((cell) => cell.trim()).slice(8, 11), ["3", "5", "4"]);
});

Deno.test("resultText() shows the problems of a row and the lines that were written most", () => {
  const text = resultText({ ...RESULT, problems: ["1 (good) is pending, not processed"] });
  assertStringIncludes(text, "PROBLEM 1 (good) is pending, not processed");
  assertStringIncludes(text, "3 times: Something");
});

Deno.test("ROWS have names of their own, which can be databases", () => {
  const names = ROWS.map(({ name }) => name);
  assertEquals(new Set(names).size, names.length);
  assertEquals(names.filter((name) => !/^[a-z-]{1,50}$/.test(name)), []);
});
