/**
 * Explores the model of the claim protocol: `deno task model` takes two minutes, `deno task model --small` seconds, and
 * `deno task model --rule 14` shows what breaks without one rule.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { Claims } from "./claims/claims.ts";
import { numberOf, RULE_NAMES, RULES } from "./claims/rules.ts";
import { COUNTEREXAMPLES, LARGE, LIMITS, type Scenario, SMALL } from "./claims/scenarios.ts";
import { type Exploration, explore } from "./explorer.ts";

/** Explores one scenario and prints what was found; returns whether that is what was expected. */
function run(scenario: Scenario, isToBreak: boolean, showsTrace: boolean): boolean {
  const startedAtMs = performance.now();
  const found = explore(new Claims(scenario));
  const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
  const isExpected = isToBreak ? found.problem !== undefined : found.isComplete;
  const size = `${found.states} states, ${found.transitions} transitions, ${seconds} s`;
  console.log(`${isExpected ? "ok  " : "FAIL"} ${scenario.name}: ${verdictOn(found)} (${size})`);
  if (showsTrace || !isExpected) {
    for (const [at, label] of found.trace.entries()) console.log(`       ${at + 1}. ${label}`);
  }
  return isExpected;
}

function verdictOn({ problem, isComplete }: Exploration): string {
  return problem ?? (isComplete ? "holds" : "holds as far as it was explored");
}

const { rule, small, _: rest } = parseArgs(Deno.args, {
  string: ["rule"],
  boolean: ["small"],
  unknown: (option) => {
    console.error(`deno task model knows no ${option}: give --small, or --rule and a number`);
    Deno.exit(2);
  },
});
const rules = RULE_NAMES.filter((name) =>
  rule === undefined || rule === String(numberOf(name)) || rule === name
);
if (rules.length === 0 || rest.length > 0) {
  console.error(`There is no rule ${rule}: give a number from 1 to ${RULE_NAMES.length}`);
  Deno.exit(2);
}
const results: boolean[] = [];
for (const without of rules) {
  const scenario = COUNTEREXAMPLES[without];
  const name = `rule ${numberOf(without)}, ${RULES[without].title}`;
  results.push(run({ ...scenario, name }, false, false));
  results.push(run({ ...scenario, name: `without ${name}`, without }, true, rule !== undefined));
}
if (rule === undefined) {
  for (const scenario of LIMITS) {
    results.push(run({ ...scenario, name: `limit: ${scenario.name}` }, true, false));
  }
  for (const scenario of small ? SMALL : [...SMALL, ...LARGE]) results.push(run(scenario, false, false));
}
const failed = results.filter((isExpected) => !isExpected).length;
console.log(`${results.length - failed} as expected, ${failed} not`);
Deno.exit(failed > 0 ? 1 : 0);
