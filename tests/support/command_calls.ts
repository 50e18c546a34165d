/**
 * Ways to call each command, from what the commands declare: a new one is among them at once.
 *
 * @module
 */

import type { Command } from "../../control/commands/command.ts";
import { COMMANDS } from "../../control/commands/commands.ts";

/** What a command needs besides; 4 is the id of a document, 5 that of a canceled one. */
const NEEDS: Record<string, string[]> = {
  try: ["--id", "4"],
  why: ["4"],
  requeue: ["--failed"],
  cancel: ["5"],
};

/** What a switch needs besides. */
const SWITCH_NEEDS: Record<string, string[]> = {
  "pause --fleet": ["--reason", "a test"],
};

/** Every way to call a command that makes it print something else. */
function callsOf(command: Command): string[][] {
  const { name, words, options = {}, oneOf = [], outlivesStrayErrors } = command;
  // The agent itself ends only as a Job.
  if (outlivesStrayErrors) return [[name, "--until-empty"]];
  const rest = NEEDS[name] ?? [];
  const bases = Object.entries(words ?? { "": {} }).map(([word, { operand, takes, needsOne }]) => ({
    base: [name, ...(word ? [word] : []), ...(operand ? ["1"] : []), ...(needsOne ? ["--all"] : []), ...rest],
    switches: (takes ?? Object.keys(options)).filter((option) =>
      options[option]!.value === undefined && !((needsOne || command.needsOne) && oneOf.includes(option))
    ),
  }));
  return bases.flatMap(({ base, switches }) => [
    base,
    ...switches.map((
      option,
    ) => [...base, `--${option}`, ...(SWITCH_NEEDS[`${base[0]} --${option}`] ?? [])]),
  ]);
}

/** Calls that only change something, and print nothing; they come last, as they take the dead letters away. */
export const TAKING: readonly string[] = [
  "dead-letters redrive --all",
  "requeue --failed",
  "cancel 5",
  "dead-letters purge --all",
];
const rank = (call: readonly string[]) => TAKING.indexOf(call.join(" "));

/** It serves until it is stopped, whether its address can be printed or not: it has tests of its own. */
const SERVER = "dashboard";

/** All commands with each of their words, and once more with each switch. */
export const CALLS: readonly string[][] = COMMANDS.filter(({ name }) => name !== SERVER).flatMap(callsOf)
  .sort((one, other) => rank(one) - rank(other));

/** Those that end by themselves, if what they print can be printed. */
export const ENDING_CALLS: readonly string[][] = CALLS.filter((call) => !call.includes("--watch"));
