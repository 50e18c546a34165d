/**
 * Languages that programs of tests are written in.
 *
 * @module
 */

import type { Requirement } from "./optional.ts";

function language(name: string, program: string, ...args: string[]): Requirement {
  return {
    what: `tests of programs in ${name}`,
    why: `${program} does not run here`,
    install: `install ${name}`,
    probe: [program, ...args],
    isExample: program !== "python3",
  };
}

export const PYTHON: Requirement = language("Python 3", "python3", "--version");
export const NODE: Requirement = language("Node.js", "node", "--version");
export const GO: Requirement = language("Go", "go", "version");
export const PERL: Requirement = language("Perl", "perl", "-MJSON::PP", "-e", "1");
export const JQ: Requirement = language("jq", "jq", "--version");

/**
 * Compiles a program in Go to the executable `to`.
 *
 * @param from the path of its only file, or of the folder of its module
 * @throws {Error} if it cannot be compiled; the message is the compiler's
 */
export async function buildGo(from: string, to: string): Promise<void> {
  const isFile = from.endsWith(".go");
  const { success, stderr } = await new Deno.Command("go", {
    args: ["build", "-o", to, isFile ? from : "."],
    ...(!isFile && { cwd: from }),
    // As the image of an agent needs it, which has no library of C.
    env: { CGO_ENABLED: "0", ...(isFile && { GO111MODULE: "off" }) },
  }).output();
  if (!success) throw new Error(`go build of ${from} failed: ${new TextDecoder().decode(stderr)}`);
}

/** Packages of examples, as `examples/typescript/package.json` pins them. */
export const NPM: Requirement = {
  what: "tests of examples with packages",
  why: "npm is missing, or does not reach its registry",
  install: "install Node.js, and make the registry of npm reachable",
  probe: ["npm", "view", "--fetch-retries=0", "zod@4.6.7", "version"],
};

/** The version that tests install. */
export const PYMONGO_PACKAGE = "pymongo==4.15.3";

/** The package that the worker for people who come from the Python version reads documents with. */
export const PYMONGO: Requirement = {
  what: "tests of programs with pymongo",
  why: "pip is missing, or does not reach its index",
  install: "install Python 3 with pip, and make the package index reachable",
  probe: ["python3", "-m", "pip", "install", "--quiet", "--dry-run", PYMONGO_PACKAGE],
};
