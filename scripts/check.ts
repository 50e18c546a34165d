/**
 * The checks that need no running program: format, lint, types, layers, shell scripts, generated documents, titles, words, names.
 *
 * @module
 */

import { exists } from "@std/fs";
import { checkExports } from "./check_exports.ts";
import { checkLayers } from "./check_layers.ts";
import { checkNames } from "./check_names.ts";
import { checkTitles } from "./check_titles.ts";
import { checkWords } from "./house_words.ts";
import { collectMessages } from "./messages/collect.ts";
import { checkMessages } from "./messages/grammar.ts";
import { findProgram, spawnTied } from "./tied_process.ts";

const ROOT = new URL("..", import.meta.url).pathname.replace(/\/$/, "");

/** How many checks went which way. */
export interface CheckCounts {
  passed: number;
  failed: number;
  skipped: number;
}

/**
 * The result of a check: nothing, problems to print, or the reason why it could not run. With REQUIRE_ALL=1 that reason
 * is a failure, unless the check is optional.
 */
type Finding = { problems: string } | { skipped: string; isOptional?: boolean } | undefined;

/** The checks, and the name of each in the line that reports it. */
const CHECKS: Record<string, () => Promise<Finding>> = {
  "format": checkFormat,
  "lint": () => deno("lint"),
  "types": () => deno("check"),
  "layers": async () => listed(await checkLayers(ROOT)),
  "exports": async () => listed(await checkExports(ROOT, await filesInGit() ?? [])),
  "shell scripts": checkShellScripts,
  "workflows": checkWorkflows,
  "spelling": checkSpelling,
  "generated documents": checkGeneratedDocs,
  "messages": async () => listed(checkMessages(await collectMessages(ROOT))),
  "titles of tests": async () => listed(await checkTitles(ROOT, await filesInGit() ?? [])),
  "words": async () => listed(await checkWords(ROOT, await filesInGit() ?? [])),
  "names": async () => {
    const files = await filesInGit();
    return files === undefined ? { skipped: "names, this is not a git checkout, use git clone" } : listed(
      await checkNames(ROOT, files),
    );
  },
};

/** Runs every check and prints a line for each, then what the failed ones found. */
export async function runChecks(): Promise<CheckCounts> {
  const counts: CheckCounts = { passed: 0, failed: 0, skipped: 0 };
  const requireAll = Deno.env.get("REQUIRE_ALL") === "1";
  const running = Object.entries(CHECKS).map(([name, check]) => ({ name, finding: check() }));
  for (const { name, finding } of running) {
    const found = await finding;
    if (found === undefined) {
      counts.passed++;
      console.log(`ok    ${name}`);
    } else if ("skipped" in found && (!requireAll || found.isOptional)) {
      counts.skipped++;
      console.log(`SKIP ${found.skipped}`);
    } else {
      counts.failed++;
      console.log(
        `FAIL  ${name}\n${"skipped" in found ? `REQUIRE_ALL=1, but: ${found.skipped}` : found.problems}`,
      );
    }
  }
  return counts;
}

/** Runs a program in the root of the project. If it fails, its output is the problem. */
async function run(program: string, args: string[]): Promise<Finding> {
  const child = await spawnTied(program, args, {
    cwd: ROOT,
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
    withoutEnv: ["RUST_BACKTRACE"],
  });
  const { success, stdout, stderr } = await child.output();
  const decoder = new TextDecoder();
  return success ? undefined : { problems: (decoder.decode(stdout) + decoder.decode(stderr)).trimEnd() };
}

function deno(...args: string[]): Promise<Finding> {
  return run(Deno.execPath(), args);
}

function listed(problems: string[]): Finding {
  return problems.length === 0 ? undefined : { problems: problems.join("\n") };
}

/** Names the files, and not what is wrong in them, since one command mends it. */
async function checkFormat(): Promise<Finding> {
  const found = await deno("fmt", "--check");
  if (found === undefined || !("problems" in found)) return found;
  const files = [...found.problems.matchAll(/^from (.*):$/gm)].map(([, path]) =>
    path!.replace(`${ROOT}/`, "")
  );
  if (files.length === 0) return found;
  return { problems: `${files.sort().join("\n")}\nNot formatted as 'deno task fmt' would: run it` };
}

async function checkShellScripts(): Promise<Finding> {
  const scripts = (await filesInGit() ?? []).filter((path) =>
    path.endsWith(".sh") || path.startsWith(".githooks/")
  );
  if (scripts.length === 0) return undefined;
  if (await findProgram("shellcheck") === undefined) {
    return {
      skipped: `${scripts.length} shell scripts, shellcheck is not installed, apt-get install shellcheck`,
    };
  }
  return await run("shellcheck", ["-x", ...scripts]);
}

async function checkWorkflows(): Promise<Finding> {
  const workflows = (await filesInGit() ?? []).filter((path) => /^\.github\/workflows\/.*\.yml$/.test(path));
  if (workflows.length === 0) return undefined;
  if (await findProgram("actionlint") === undefined) {
    return {
      skipped:
        `${workflows.length} workflows, actionlint is not installed, sh scripts/ci_tools.sh installs it`,
      // It is built with Go, which not every machine has; the workflow for CI runs it.
      isOptional: true,
    };
  }
  return await run("actionlint", workflows);
}

async function checkSpelling(): Promise<Finding> {
  if (await findProgram("typos") === undefined) {
    return { skipped: "spelling, typos is not installed, sh scripts/ci_tools.sh installs it" };
  }
  return await run("typos", ["--format", "brief", "."]);
}

async function checkGeneratedDocs(): Promise<Finding> {
  const script = "scripts/gen_docs.ts";
  return await exists(`${ROOT}/${script}`) ? await deno("run", "-A", script, "--check") : undefined;
}

/** Paths of the files that are in git or about to be; undefined if this is not a checkout. */
async function filesInGit(): Promise<string[] | undefined> {
  if (await findProgram("git") === undefined) return undefined;
  const { success, stdout } = await new Deno.Command("git", {
    args: ["ls-files", "-z", "--cached", "--others", "--exclude-standard"],
    cwd: ROOT,
    stderr: "null",
  }).output();
  if (!success) return undefined;
  return new TextDecoder().decode(stdout).split("\0").filter((path) => path !== "");
}

if (import.meta.main) {
  const { passed, failed, skipped } = await runChecks();
  console.log(`${passed} checks passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
  if (failed > 0) Deno.exit(1);
}
