import { assert, assertEquals, assertMatch } from "@std/assert";
import { newScratchDir, removeScratchDir } from "../../scripts/scratch_dir.ts";
import { spawnTied } from "../../scripts/tied_process.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

/** The programs that take part, and the requirement of each: it is left out if that is missing. */
const CANDIDATES: [row: RegExp, skipped: string][] = [
  [/^\| Hand-written loop, Python/, "the loop in Python"],
  [/^\| Hand-written loop, TypeScript/, ""],
  [/^\| agenda /, "the MongoDB libraries"],
  [/^\| mongodb-queue /, "the MongoDB libraries"],
  [/^\| @clipboard-health\/mongo-jobs /, "the MongoDB libraries"],
  [/^\| The limit.* batch 100 /, ""],
  [/^\| The limit.* batch 1000 /, ""],
  [/^\| The limit.* batch 2000 /, ""],
  [/^\| The limit.* batch 5000 /, ""],
  [/^\| pulling-agent .*default/, ""],
  [/^\| pulling-agent .*best/, ""],
  [/^\| pulling-agent .*BATCH_SIZE=1000/, ""],
  [/^\| pulling-agent .*BATCH_SIZE=5000/, ""],
  [/^\| pulling-agent .*BATCH_SIZE=auto/, ""],
];
const PYTHON = "programs in Python";
/** The processors, likewise. */
const PROCESSORS: [row: RegExp, skipped: string][] = [
  [/^\| `module:` .*default/, ""],
  [/^\| `module:` .*processBatch/, ""],
  [/^\| `http:`.*default/, ""],
  [/^\| `http:`.*CONCURRENCY=64/, ""],
  [/^\| `http:`.*PROCESSOR_BATCH/, ""],
  [/^\| `exec:`.*default/, PYTHON],
  [/^\| `exec:`.*EXEC_PROCESSES=4/, PYTHON],
  [/^\| `exec:`.*"concurrency": 16/, PYTHON],
  [/^\| `exec:`.*PROCESSOR_BATCH/, PYTHON],
];
const EFFECTS: [row: RegExp, skipped: string][] = [
  [/^\| Hand-written loop, Python.* exactly once/, "the loop in Python"],
  [/^\| Hand-written loop, TypeScript.* exactly once/, ""],
  [/^\| pulling-agent .* at least once/, ""],
  [/^\| pulling-agent .* exactly once.* default/, ""],
  [/^\| pulling-agent .* exactly once.* best/, ""],
];
const HEADINGS = [
  "Throughput",
  "Processors in other languages",
  "Writes to another collection",
  "Targets",
  "Replicas",
  "Pick-up",
  "Backlog",
  "Memory",
  "One agent",
  "Machine",
];

Deno.test("Build: a quick bench has every candidate work all documents off, and draws table and chart", async () => {
  const dir = await newScratchDir("bench-test");
  try {
    const args = ["run", "-A", `${ROOT}/bench/main.ts`, "--quick", "--out", dir];
    const child = await spawnTied(Deno.execPath(), args, { cwd: ROOT, stdout: "piped", stderr: "piped" });
    const { code, stdout, stderr } = await child.output();
    const [printed, progress] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    // It fails if a candidate has left a document undone.
    assertEquals(code, 0, `${printed}\n${progress}`);

    const lines = (await Deno.readTextFile(`${dir}/performance.md`)).split("\n");
    const isHere = ([, skipped]: [RegExp, string]) => skipped === "" || !printed!.includes(`SKIP ${skipped}`);
    const here = CANDIDATES.filter(isHere);
    for (const [row] of [...here, ...[...PROCESSORS, ...EFFECTS].filter(isHere)]) {
      const line = lines.find((line) => row.test(line));
      assertMatch(line ?? "", /\*\*[\d,]+\*\*/, `${row} is not in the table:\n${lines.join("\n")}`);
    }
    for (const heading of HEADINGS) assert(lines.some((line) => line.startsWith(`### ${heading}`)), heading);
    assert(!lines.some((line) => /NaN|undefined|Infinity/.test(line)), lines.join("\n"));
    assert(
      lines.some((line) => /^\| No document processed twice .*\| 0 +\| met/.test(line)),
      lines.join("\n"),
    );

    const svg = await Deno.readTextFile(`${dir}/performance.svg`);
    assertEquals(svg.match(/<rect /g)?.length, here.length);
    assertMatch(svg, /prefers-color-scheme: dark/);
  } finally {
    await removeScratchDir(dir);
  }
});
