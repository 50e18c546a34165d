/**
 * Breaks each rule of the claim protocol in a copy of the sources, one at a time, and runs the tests that have to catch it:
 * `mutate.ts [--rule NUMBER,NAME] [--only-mutations]`. Before that it runs these tests without a mutation.
 *
 * The copy runs from source, so that each mutation costs no build.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { exists } from "@std/fs";
import type { Catcher, Edit } from "./mutations/mutation.ts";
import { BROKEN_RULES, type BrokenRule } from "./mutations/mutations.ts";
import { newScratchDir, removeScratchDir } from "./scratch_dir.ts";
import { TestServers } from "./test_run.ts";
import { endGroup, spawnTied } from "./tied_process.ts";

const ROOT = new URL("..", import.meta.url).pathname.replace(/\/$/, "");
/** A test that a mutation makes hang is ended after this long, and has caught it, in milliseconds. */
const LIMIT_MS = 180_000;
/** What a test waits for that a mutation keeps from happening is waited for so long, in milliseconds. */
const WAIT_MS = 15_000;

/** A copy of the sources, and the servers that its tests need. */
class Copy implements AsyncDisposable {
  readonly #dir: string;
  readonly #servers: TestServers;

  private constructor(dir: string) {
    this.#dir = dir;
    this.#servers = new TestServers(dir);
  }

  static async make(): Promise<Copy> {
    const dir = await newScratchDir("mutations");
    const copy = new Copy(dir);
    const listed = await new Deno.Command("git", { args: ["ls-files", "-z"], cwd: ROOT }).output();
    for (const file of new TextDecoder().decode(listed.stdout).split("\0")) {
      if (file === "" || !await exists(`${ROOT}/${file}`, { isFile: true })) continue;
      await Deno.mkdir(`${dir}/${file}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.copyFile(`${ROOT}/${file}`, `${dir}/${file}`);
    }
    await Deno.symlink(`${ROOT}/.tools`, `${dir}/.tools`);
    await Deno.mkdir(`${dir}/dist`);
    await Deno.writeTextFile(`${dir}/dist/pulling-agent`, fromSource(dir), { mode: 0o755 });
    return copy;
  }

  /**
   * Whether the tests pass.
   *
   * @throws {Error} if there are none
   */
  async passes({ file, test }: Catcher): Promise<boolean> {
    const isUnit = file.startsWith("tests/unit/");
    const env = isUnit ? {} : await this.#servers.environment();
    const args = ["test", "-A", "--no-check", "--filter", test, `${this.#dir}/${file}`];
    const child = await spawnTied(Deno.execPath(), args, {
      cwd: this.#dir,
      env: { ...env, NO_COLOR: "1", TEST_WAIT_MS: String(WAIT_MS) },
      stdout: "piped",
      stderr: "null",
    });
    const limit = setTimeout(() => endGroup(child, 0), LIMIT_MS);
    const output = await new Response(child.stdout).text();
    const { success } = await child.status;
    clearTimeout(limit);
    if (success && / 0 passed /.test(output)) throw new Error(`${file} has no test "${test}"`);
    if (Deno.env.get("VERBOSE")) console.log(output);
    return success;
  }

  /** Makes the edits while `body` runs. */
  async edited<T>(edits: readonly Edit[], body: () => Promise<T>): Promise<T> {
    for (const { file, find, replace } of edits) {
      const text = await Deno.readTextFile(`${this.#dir}/${file}`);
      await Deno.writeTextFile(`${this.#dir}/${file}`, text.replace(find, () => replace));
    }
    try {
      return await body();
    } finally {
      for (const { file } of edits) await Deno.copyFile(`${ROOT}/${file}`, `${this.#dir}/${file}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#servers[Symbol.asyncDispose]();
    await removeScratchDir(this.#dir);
  }
}

/** A program that runs the agent of a folder from its sources. */
function fromSource(dir: string): string {
  const names = ["DENO_DIR", "JSR_URL", "NPM_CONFIG_REGISTRY", "DENO_TLS_CA_STORE", "DENO_CERT"];
  const given = names.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [`export ${name}='${value}'`];
  });
  const run =
    `exec '${Deno.execPath()}' run --quiet --no-check --cached-only --config '${dir}/deno.json' -A '${dir}/main.ts' "$@"`;
  return ["#!/bin/sh", ...given, run, ""].join("\n");
}

/** Whether each of the tests fails that have to. */
async function isCaught(copy: Copy, { mutation, name, number }: BrokenRule): Promise<boolean> {
  const { caughtBy, edits } = mutation;
  return await copy.edited(edits, async () => {
    let isCaught = true;
    for (const catcher of caughtBy) {
      const passes = await copy.passes(catcher);
      if (passes) isCaught = false;
      console.log(
        `${passes ? "MISSED" : "caught"}  rule ${number} ${name}  ${catcher.file} ${catcher.test}`,
      );
    }
    return isCaught;
  });
}

/** The tests that have to pass as long as nothing is broken: otherwise their failures tell nothing. */
async function failing(copy: Copy, rules: readonly BrokenRule[]): Promise<Catcher[]> {
  const catchers = new Map(
    rules.flatMap(({ mutation }) => mutation.caughtBy).map((each) => [`${each.file} ${each.test}`, each]),
  );
  const failing: Catcher[] = [];
  for (const catcher of catchers.values()) {
    if (await copy.passes(catcher)) continue;
    failing.push(catcher);
    console.log(`FAILS   without a mutation  ${catcher.file} ${catcher.test}`);
  }
  return failing;
}

async function main(): Promise<number> {
  const { "only-mutations": isBaseKnown, rule } = parseArgs(Deno.args, {
    string: ["rule"],
    boolean: ["only-mutations"],
  });
  const wanted = rule?.split(",");
  const rules = BROKEN_RULES.filter(({ name, number }) =>
    wanted === undefined || wanted.includes(name) || wanted.includes(number)
  );
  const unknown = wanted?.find((each) => !rules.some(({ name, number }) => each === name || each === number));
  if (unknown !== undefined) {
    console.error(
      `There is no rule ${unknown}: take some of ${BROKEN_RULES.map(({ number }) => number).join(",")}`,
    );
    return 2;
  }
  await using copy = await Copy.make();
  if (!isBaseKnown && (await failing(copy, rules)).length > 0) return 1;
  let missed = 0;
  for (const each of rules) if (!await isCaught(copy, each)) missed += 1;
  console.log(`${rules.length} rules were broken, ${rules.length - missed} were caught`);
  return missed > 0 ? 1 : 0;
}

if (import.meta.main) Deno.exit(await main());
