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
export const JQ: Requirement = language("jq", "jq", "--version");
