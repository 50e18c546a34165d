/**
 * What holds for all output of the program, for any input.
 *
 * @module
 */

import type { LogEntry } from "../support/agent_process.ts";

/** Texts that no user must ever see. */
const FORBIDDEN: [RegExp, string][] = [
  [/this is a bug/i, "The program calls something a bug of its own"],
  [/^\s+at .+(?::\d+:\d+|\(native\))/m, "A stack trace is shown"],
  [/\b(?:Uncaught|Unhandled)\b|unhandled promise/i, "An error was not caught"],
  [/\[object (?:Object|Error)\]/, "An object is shown instead of what it says"],
  [/RangeError|TypeError: (?:Cannot|undefined|null)/, "An error of JavaScript's own is shown"],
  [/panicked|fatal error/i, "The runtime gave up"],
];

/** A sentence for each thing in a text of the program's that must not be there. */
export function brokenInText(text: string, secrets: readonly string[] = []): string[] {
  const broken: string[] = [];
  for (const [pattern, what] of FORBIDDEN) {
    const found = pattern.exec(text);
    if (found) broken.push(`${what}: ${JSON.stringify(around(text, found.index))}`);
  }
  for (const secret of secrets) {
    const at = text.indexOf(secret);
    if (at >= 0) broken.push(`A secret is shown: ${JSON.stringify(around(text, at))}`);
  }
  return broken;
}

/** The same for the lines of a log, each of which has to be JSON. */
export function brokenInLog(entries: readonly LogEntry[], secrets: readonly string[] = []): string[] {
  const odd = entries.filter(({ level }) => !["DEBUG", "INFO", "WARNING", "ERROR"].includes(level));
  const lines = entries.map(({ index: _, ...entry }) => JSON.stringify(entry)).join("\n");
  return [
    ...odd.slice(0, 1).map(({ message }) =>
      `A line of the log is no JSON of the agent's: ${JSON.stringify(message)}`
    ),
    ...brokenInText(lines, secrets),
  ];
}

function around(text: string, at: number): string {
  return text.slice(Math.max(0, at - 60), at + 120);
}
