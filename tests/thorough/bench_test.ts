import { assert, assertEquals, assertMatch } from "@std/assert";
import { newScratchDir, removeScratchDir } from "../../scripts/scratch_dir.ts";
import { spawnTied } from "../../scripts/tied_process.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

type Row = readonly [row: RegExp, ...skipped: string[]];

const LIBRARIES = "the libraries";
/** The programs that take part, and the requirements of each: it is left out if one is missing. */
const CANDIDATES: Row[] = [
  [/^\| Hand-written loop, Python/, "the loop in Python"],
  [/^\| Hand-written loop, TypeScript/],
  [/^\| agenda /, LIBRARIES],
  [/^\| mongodb-queue /, LIBRARIES],
  [/^\| @clipboard-health\/mongo-jobs /, LIBRARIES],
  [/^\| The limit: .* batch 100 /],
  [/^\| The limit: .* batch 1000 /],
  [/^\| The limit: .* batch 2000 /],
  [/^\| The limit: .* batch 5000 /],
  [/^\| pulling-agent .*default/],
  [/^\| pulling-agent .*best/],
  [/^\| pulling-agent +\| BATCH_SIZE=1000/],
  [/^\| pulling-agent +\| BATCH_SIZE=5000/],
  [/^\| pulling-agent +\| BATCH_SIZE=auto/],
  [/^\| The limit of range claims.* batch 100 /],
  [/^\| The limit of range claims.* batch 1000 /],
  [/^\| The limit of range claims.* batch 2000 /],
  [/^\| pulling-agent .*CLAIM_MODE=range, BATCH_SIZE=100 /],
  [/^\| pulling-agent .*CLAIM_MODE=range, BATCH_SIZE=1000 /],
  [/^\| pulling-agent .*CLAIM_MODE=range, BATCH_SIZE=2000 /],
  [/^\| pulling-agent .*CLAIM_MODE=range, BATCH_SIZE=auto /],
  [/^\| Slices.* 100 records/],
  [/^\| Slices.* 1000 records/],
  [/^\| graphile-worker on PostgreSQL.* takes 500,/, LIBRARIES, "graphile-worker"],
  [/^\| graphile-worker on PostgreSQL.* takes 2000,/, LIBRARIES, "graphile-worker"],
  [/^\| graphile-worker on PostgreSQL.* takes 5000,/, LIBRARIES, "graphile-worker"],
];
/** What the charts draw, likewise. */
const BARS: Row[] = [
  [/>Hand-written loop</],
  [/>agenda</, LIBRARIES],
  [/>mongodb-queue</, LIBRARIES],
  [/>@clipboard-health\/mongo-jobs</, LIBRARIES],
  [/>graphile-worker \(PostgreSQL\)</, LIBRARIES, "graphile-worker"],
  [/>pulling-agent, default</],
  [/>pulling-agent, best batch</],
  [/>pulling-agent, CLAIM_MODE=range</],
  [/>The limit</],
  [/>The limit of range claims</],
];
const PYTHON = "programs in Python";
/** The processors, likewise. */
const PROCESSORS: Row[] = [
  [/^\| `module:` .*default/],
  [/^\| `module:` .*processBatch/],
  [/^\| `http:`.*default/],
  [/^\| `http:`.*CONCURRENCY=64/],
  [/^\| `http:`.*PROCESSOR_BATCH/],
  [/^\| `exec:`.*default/, PYTHON],
  [/^\| `exec:`.*EXEC_PROCESSES=4/, PYTHON],
  [/^\| `exec:`.*"concurrency": 16/, PYTHON],
  [/^\| `exec:`.*PROCESSOR_BATCH/, PYTHON],
];
const EFFECTS: Row[] = [
  [/^\| Hand-written loop, Python.* exactly once/, "the loop in Python"],
  [/^\| Hand-written loop, TypeScript.* exactly once/],
  [/^\| pulling-agent .* at least once/],
  [/^\| pulling-agent .* exactly once.* default/],
  [/^\| pulling-agent .* exactly once.* best/],
  [/^\| pulling-agent .* exactly once.* CLAIM_MODE=range/],
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
    const isHere = ([, ...skipped]: Row) => !skipped.some((what) => printed!.includes(`SKIP ${what},`));
    for (const [row] of [...CANDIDATES, ...PROCESSORS, ...EFFECTS].filter(isHere)) {
      const line = lines.find((line) => row.test(line));
      assertMatch(line ?? "", /\*\*[\d,]+\*\*/, `${row} is not in the table:\n${lines.join("\n")}`);
    }
    for (const heading of HEADINGS) assert(lines.some((line) => line.startsWith(`### ${heading}`)), heading);
    assert(!lines.some((line) => /NaN|undefined|Infinity/.test(line)), lines.join("\n"));
    assert(
      lines.some((line) => /^\| No document processed twice .*\| 0 +\| met/.test(line)),
      lines.join("\n"),
    );

    for (const name of ["performance", "performance_server"]) {
      const svg = await Deno.readTextFile(`${dir}/${name}.svg`);
      const bars = BARS.filter(isHere);
      for (const [bar] of bars) assertMatch(svg, bar, name);
      assertEquals(svg.match(/<rect /g)?.length, bars.length);
      assert(!/NaN|undefined|Infinity/.test(svg), svg);
      assertMatch(svg, /prefers-color-scheme: dark/);
    }
  } finally {
    await removeScratchDir(dir);
  }
});
