/**
 * Runs the tests that touch the server on each version of MongoDB that is available: `test_servers.ts [--ends] [VERSION...]`.
 *
 * Without versions, on those of `scripts/versions.env` and the one that the other tests run on; `--ends` takes the oldest
 * and the newest of them. A version that is not available is left out, with the reason. The last line is always `N passed, N failed`.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { type Batch, spread } from "./lanes.ts";
import { TestRun } from "./test_run.ts";

const ROOT = new URL("..", import.meta.url).pathname.replace(/\/$/, "");
const TRACKS = Number(Deno.env.get("TEST_TRACKS") || Math.min(8, 2 * navigator.hardwareConcurrency));

/** The promises of the store, and each kind of query, write, index, stream and transaction that the agent sends. */
const FILES: readonly string[] = [
  "tests/contract/mongo_store_test.ts",
  ...[
    "ack_fields",
    "ack_nack_release",
    "backlog",
    "checkpoints",
    "claim_order",
    "claim_protocol",
    "collections",
    "compatible_servers",
    "contention",
    "dead_letters",
    "effect_setups",
    "effects",
    "id_types",
    "indexes",
    "leases",
    "left_alone",
    "letter_bytes",
    "letter_collation",
    "locked_documents",
    "odd_documents",
    "partial_claims",
    "query_plans",
    "refused_outcomes",
    "round_trips",
    "server_clock",
    "snooze",
    "source",
    "suspects",
    "wake_stream",
    "why_filter",
  ].map((name) => `tests/integration/${name}_test.ts`),
];

/** A version of MongoDB, and where its `mongod` is. */
interface Server {
  readonly version: string;
  readonly path: string;
}

/** What came of the tests on a server. */
interface Outcome extends Server {
  readonly passed: number;
  readonly failed: readonly string[];
  readonly skipped: number;
  readonly seconds: number;
}

/** The servers that run on this machine, the oldest first. */
async function servers(wanted: readonly string[]): Promise<Server[]> {
  const { stdout, success } = await new Deno.Command("sh", {
    args: ["scripts/setup_servers.sh", ...wanted],
    cwd: ROOT,
    stderr: "inherit",
  }).output();
  if (!success) throw new Error("The servers could not be set up, see above");
  const found = new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "").map(serverOf);
  const usual = await usualServer();
  if (usual && wanted.length === 0 && !found.some(({ version }) => version === usual.version)) {
    found.push(usual);
  }
  return found.sort((one, other) => one.version.localeCompare(other.version, "en", { numeric: true }));
}

function serverOf(line: string): Server {
  const space = line.indexOf(" ");
  return { version: line.slice(0, space), path: line.slice(space + 1) };
}

/** The server of the other tests. */
async function usualServer(): Promise<Server | undefined> {
  const path = Deno.env.get("MONGOD_BIN");
  if (!path) return undefined;
  const { stdout } = await new Deno.Command(path, { args: ["--version"] }).output();
  const version = /v(\d+\.\d+\.\d+)/.exec(new TextDecoder().decode(stdout))?.[1];
  return version === undefined ? undefined : { version, path };
}

async function testOn(run: TestRun, server: Server, batches: readonly Batch[]): Promise<Outcome> {
  console.log(`\nMongoDB ${server.version}`);
  // The tests find it there, as they find their usual one.
  Deno.env.set("MONGOD_BIN", server.path);
  const startedMs = performance.now();
  const failed: string[] = [];
  let [passed, skipped] = [0, 0];
  await run.batches(batches, TRACKS, ({ name }, { success, tests }) => {
    for (const test of tests) {
      if (test.outcome === "passed") passed += 1;
      else if (test.outcome === "skipped") skipped += 1;
      else failed.push(`${test.file}: ${test.name}`);
    }
    if (!success && failed.length === 0) failed.push(`${name}: it ended with an error outside of a test`);
  });
  return { ...server, passed, failed, skipped, seconds: (performance.now() - startedMs) / 1000 };
}

/** The lines for the end. */
function summary(outcomes: readonly Outcome[]): string[] {
  return outcomes.flatMap(({ failed, passed, seconds, skipped, version }) => [
    `MongoDB ${version.padEnd(8)} ${passed} passed, ${failed.length} failed, ${skipped} skipped, ${
      seconds.toFixed(0)
    } s`,
    ...failed.map((name) => `FAIL  MongoDB ${version}: ${name}`),
  ]);
}

async function main(args: string[]): Promise<number> {
  const { _: wanted, ends } = parseArgs(args, { boolean: ["ends"], string: ["_"] });
  const run = new TestRun(ROOT);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, () => run.interrupt(new Error(`Interrupted by ${signal}`)));
  }
  const outcomes: Outcome[] = [];
  let trouble = 0;
  try {
    const found = await servers(wanted as string[]);
    const chosen = ends && found.length > 2 ? [found[0]!, found.at(-1)!] : found;
    if (chosen.length === 0) throw new Error("No server runs on this machine, see above");
    const batches = spread(FILES);
    for (const server of chosen) outcomes.push(await testOn(run, server, batches));
    console.log();
    for (const line of summary(outcomes)) console.log(line);
  } catch (error) {
    console.log(error instanceof Error ? error.message : error);
    trouble = 1;
  }
  const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0);
  const failed = outcomes.reduce((sum, outcome) => sum + outcome.failed.length, trouble);
  console.log(`${passed} passed, ${failed} failed`);
  if (run.isInterrupted) return 130;
  return failed > 0 ? 1 : 0;
}

Deno.exit(await main(Deno.args));
