/**
 * Runs the checks and the tests of a lane: `run_tests.ts [--unit | --all]`; without either, what a change has to pass.
 *
 * `run_tests.ts [arguments of deno test]`, such as `--filter pause`, a path or `--coverage`, runs those tests alone, without
 * the checks and in one process. The last line is always `N passed, N failed`, with `, N skipped` when any were.
 *
 * @module
 */

import { runChecks } from "./check.ts";
import { type Batch, batchesOf, type Lane, VARIABLES } from "./lanes.ts";
import { Tally } from "./tally.ts";
import { type BatchResult, TestRun, TestServers } from "./test_run.ts";

const ROOT = new URL("..", import.meta.url).pathname.replace(/\/$/, "");
/** Options of `deno test` whose value is the next argument: that argument is not a path. */
const OPTIONS_WITH_VALUE = ["--filter", "--reporter"];
/** Tests wait more than they compute: with two tracks per core a sixth of the time of the cores stayed unused. */
const TRACKS = Number(
  Deno.env.get("TEST_TRACKS") || Math.min(10, Math.ceil(2.5 * navigator.hardwareConcurrency)),
);
/** With RETRY_FAILED=1, a lane runs files with failed tests once more, alone; if more files than this failed, it does not. */
const MAX_RETRIED = 3;

const run = new TestRun(ROOT);

/** Splits the arguments into options and paths; paths start at the user's working directory. */
function parseArguments(args: string[]): { options: string[]; paths: string[] } {
  const options: string[] = [];
  const paths: string[] = [];
  const base = Deno.env.get("INIT_CWD") ?? Deno.cwd();
  for (const [index, arg] of args.entries()) {
    if (arg === "--coverage") options.push("--coverage=coverage", "--coverage-raw-data-only", "--clean");
    else if (arg.startsWith("-") || OPTIONS_WITH_VALUE.includes(args[index - 1] ?? "")) options.push(arg);
    else paths.push(arg.startsWith("/") ? arg : `${base}/${arg}`);
  }
  return { options, paths: paths.length > 0 ? paths : [`${ROOT}/tests`] };
}

/** Prints how much of the program the tests ran, and writes it to coverage/html line by line. */
async function reportCoverage(): Promise<void> {
  const ofTheProgram = `--include=^file://${ROOT}/(main\\.ts|agent/|control/|health/)`;
  await run.program(Deno.execPath(), ["coverage", ofTheProgram, "coverage"]);
  await run.program(Deno.execPath(), ["coverage", ofTheProgram, "--html", "coverage"]);
}

/** Runs each file with failed tests once more, alone on an idle machine, and tells what passes now apart. */
async function retryFailed(tally: Tally): Promise<void> {
  const files = tally.failedFiles;
  if (files.length > MAX_RETRIED) return;
  const again = files.map((file) => ({ name: file, files: [file], options: [], needsServers: true }));
  await run.batches(again, 1, ({ name }, result) => tally.addRetry(name, result));
}

/** The executable that the tests run; undefined if there is none. */
async function build(tally: Tally): Promise<boolean> {
  if (await run.program("sh", ["scripts/build.sh"])) return true;
  console.log("The tests did not run: dist/pulling-agent could not be built, see above");
  tally.add({ passed: 0, failed: 1, skipped: 0 });
  return false;
}

/** Runs the tests that the arguments choose, in one process whose output is shown at once. */
async function runChosen(args: string[], tally: Tally): Promise<void> {
  const { options, paths } = parseArguments(args);
  const needsServers = paths.some((path) => !/\/tests\/(unit|models)(\/|$)/.test(path));
  if (needsServers && !await build(tally)) return;
  await using servers = new TestServers(ROOT);
  const env = needsServers ? await servers.environment() : {};
  tally.addResult(paths.join(", "), await run.denoTest([...options, ...paths], { env }));
  if (args.includes("--coverage")) await reportCoverage();
  if (tally.isEmpty) console.log(`No test ran: nothing under ${paths.join(", ")} matches the arguments`);
}

/** Runs a lane, its checks beside the tests. */
async function runLane(lane: Lane, tally: Tally): Promise<void> {
  const started = performance.now();
  for (const [name, value] of Object.entries(VARIABLES[lane])) {
    if (Deno.env.get(name) === undefined) Deno.env.set(name, value);
  }
  const batches = batchesOf(lane, ROOT);
  const needsServers = batches.some((batch) => batch.needsServers);
  if (needsServers && !await build(tally)) return;
  const onResult = ({ name }: Batch, result: BatchResult) => tally.addResult(name, result);
  const [checks] = await Promise.all([
    lane === "unit" ? undefined : runChecks(),
    run.batches(batches, TRACKS, onResult),
  ]);
  if (Deno.env.get("RETRY_FAILED") === "1") await retryFailed(tally);
  for (const line of tally.summary()) console.log(line);
  const seconds = Math.round((performance.now() - started) / 1000);
  console.log(`The lane took ${seconds} s on ${Math.min(TRACKS, batches.length)} tracks`);
  if (checks === undefined) return;
  tally.add(checks);
  console.log(`Of these, checks: ${checks.passed} passed, ${checks.failed} failed`);
}

async function main(args: string[]): Promise<number> {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, () => run.interrupt(new Error(`Interrupted by ${signal}`)));
  }
  const tally = new Tally();
  const [first] = args;
  try {
    if (args.length > 1 || (args.length === 1 && first !== "--unit" && first !== "--all")) {
      await runChosen(args, tally);
    } else {
      await runLane(first === "--unit" ? "unit" : first === "--all" ? "all" : "test", tally);
    }
  } catch (error) {
    console.log(error instanceof Error ? error.message : error);
    tally.total.failed++;
  }
  const { passed, failed, skipped } = tally.total;
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  if (run.isInterrupted) return 130;
  return failed > 0 || tally.isEmpty ? 1 : 0;
}

Deno.exit(await main(Deno.args));
