import { endGroup, spawnTied } from "../scripts/tied_process.ts";
import { type Bench, DATABASE, ROOT, TOOLS } from "./bench.ts";
import packages from "./programs/packages.json" with { type: "json" };

/**
 * The versions of the packages that the agent is compared with: a lock of its own keeps them out of the agent's lock.
 */
const LOCKED = [`--config=${ROOT}/deno.json`, `--lock=${ROOT}/bench/deno.lock`, "--frozen"];

/** A cache of their own as well: the packages in the executable come from the other one. */
const CACHE = { DENO_DIR: `${TOOLS}/deno_dir` };

/** Runs one of the TypeScript programs to its end; returns what it printed. @throws {Error} if it fails */
export async function runProgram(
  bench: Bench,
  name: string,
  { before = [], collection, after = [] }: { before?: string[]; collection: string; after?: string[] },
): Promise<string> {
  return await runToEnd(
    ...programArguments(name, [...before, bench.server.uri, DATABASE, collection, ...after]),
  );
}

/** How one of the TypeScript programs is started: the program, its arguments, and its variables. */
export function programArguments(
  name: string,
  args: string[],
): [program: string, args: string[], env: Record<string, string>] {
  const file = `${ROOT}/bench/programs/${name}.ts`;
  return [Deno.execPath(), ["run", "--quiet", "-A", "--no-prompt", ...LOCKED, file, ...args], CACHE];
}

let packagesThere: Promise<boolean> | undefined;

/**
 * Whether the libraries of the comparison are available; if not, one line reports it.
 *
 * @throws {Error} instead, with `REQUIRE_ALL=1`
 */
export function canHavePackages(): Promise<boolean> {
  return packagesThere ??= (async () => {
    const specifiers = Object.values(packages);
    try {
      await runToEnd(Deno.execPath(), ["cache", ...LOCKED, ...specifiers], CACHE);
      return true;
    } catch (error) {
      if (Deno.env.get("REQUIRE_ALL") === "1") throw error;
      console.log(
        "SKIP the libraries, their packages are not available here, let deno reach a package registry",
      );
      return false;
    }
  })();
}

/** A program takes no longer than this, in milliseconds: one that misses a job would wait for it forever. */
const LIMIT_MS = 600_000;

/** Runs a program to its end; returns what it printed. @throws {Error} if it fails or takes too long, with what it said */
export async function runToEnd(
  program: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<string> {
  const child = await spawnTied(program, args, { env, stdout: "piped", stderr: "piped", cwd: ROOT });
  const limit = setTimeout(() => endGroup(child, 0), LIMIT_MS);
  const { success, code, stdout, stderr } = await child.output();
  clearTimeout(limit);
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout);
  throw new Error(`${[program, ...args].join(" ")} ended with ${code}:\n${decoder.decode(stderr)}`);
}
