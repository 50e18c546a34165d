/**
 * Runs the checks and the tests: `test.ts [arguments of deno test]`, such as `--filter pause`, a path or `--coverage`.
 *
 * With arguments the checks are left out. The last line is always `N passed, N failed`, with `, N skipped` if any
 * were. The tests share two MongoDB servers, which end with the run.
 *
 * @module
 */

import { runChecks } from "./check.ts";
import { countTests, type TestCounts } from "./junit.ts";
import { startMongod } from "./mongod.ts";
import { endGroup, spawnTied } from "./tied_process.ts";

const ROOT = new URL("..", import.meta.url).pathname.replace(/\/$/, "");
const PERMISSIONS = ["read", "write", "net", "env", "run", "sys"].map((name) => `--allow-${name}`);
/** Deno has them off unless asked: a timer, a file or a connection that a test leaves behind fails it. */
const SANITIZERS = ["--sanitize-ops", "--sanitize-resources"];
/** Options of `deno test` whose value is the next argument, which therefore is no path. */
const OPTIONS_WITH_VALUE = ["--filter", "--reporter"];
const CHILD_GRACE_MS = 5_000;

const interrupted = new AbortController();
let running: Deno.ChildProcess | undefined;

/** Runs a program; an interruption ends it and all it has started. */
async function run(program: string, args: string[], env: Record<string, string> = {}): Promise<boolean> {
  interrupted.signal.throwIfAborted();
  running = await spawnTied(program, args, { cwd: ROOT, env, withoutEnv: ["RUST_BACKTRACE"] });
  const { success } = await running.status;
  interrupted.signal.throwIfAborted();
  return success;
}

/** Splits the arguments into options and paths; paths count from where the user stands. */
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
  await run(Deno.execPath(), ["coverage", ofTheProgram, "coverage"]);
  await run(Deno.execPath(), ["coverage", ofTheProgram, "--html", "coverage"]);
}

/** Runs `deno test` and counts; a run that dies without a report counts as one failure. */
async function runTests(args: string[]): Promise<TestCounts> {
  if (!await run("sh", ["scripts/build.sh"])) {
    console.log("The tests did not run: dist/pulling-agent could not be built, see above");
    return { passed: 0, failed: 1, skipped: 0 };
  }
  interrupted.signal.throwIfAborted();
  const servers = await Promise.allSettled([
    startMongod({ replicaSet: true, testCommands: true }),
    startMongod({ testCommands: true }),
  ]);
  const report = await Deno.makeTempFile({ suffix: ".xml" });
  try {
    const [replicaSet, standalone] = servers.map((it) => {
      if (it.status === "rejected") throw it.reason;
      return it.value;
    });
    const { options, paths } = parseArguments(args);
    const success = await run(
      Deno.execPath(),
      ["test", ...PERMISSIONS, ...SANITIZERS, `--junit-path=${report}`, ...options, ...paths],
      {
        TEST_MONGODB_URI: replicaSet!.uri,
        TEST_MONGODB_STANDALONE_URI: standalone!.uri,
        TEST_AGENT_BINARY: `${ROOT}/dist/pulling-agent`,
      },
    );
    if (args.includes("--coverage")) await reportCoverage();
    const counts = countTests(await Deno.readTextFile(report));
    // A type error or an error outside of a test is in no report.
    if (!success && counts.failed === 0) counts.failed = 1;
    if (counts.passed + counts.failed === 0) {
      console.log(`No test ran: nothing under ${paths.join(", ")} matches the arguments`);
    }
    return counts;
  } finally {
    await Deno.remove(report);
    for (const server of servers) if (server.status === "fulfilled") await server.value.stop();
  }
}

async function main(args: string[]): Promise<number> {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(signal, () => {
      interrupted.abort(new Error(`Interrupted by ${signal}`));
      if (running !== undefined) endGroup(running, CHILD_GRACE_MS);
    });
  }
  const total: TestCounts = { passed: 0, failed: 0, skipped: 0 };
  const add = (counts: TestCounts) => {
    total.passed += counts.passed;
    total.failed += counts.failed;
    total.skipped += counts.skipped;
    return counts.passed + counts.failed > 0;
  };
  let anyTestRan = false;
  try {
    if (args.length === 0) add(await runChecks());
    const checks = { ...total };
    anyTestRan = add(await runTests(args));
    if (args.length === 0) {
      console.log(`Of these, checks: ${checks.passed} passed, ${checks.failed} failed`);
    }
  } catch (error) {
    console.log(error instanceof Error ? error.message : error);
    total.failed++;
  }
  console.log(
    `${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ""}`,
  );
  if (interrupted.signal.aborted) return 130;
  return total.failed > 0 || !anyTestRan ? 1 : 0;
}

Deno.exit(await main(Deno.args));
