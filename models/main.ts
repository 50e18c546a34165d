/**
 * Explores the models: `deno task model` takes minutes, `deno task model --small` seconds, and `deno task model --rule 14`
 * shows what breaks without one rule.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { explore, type Model } from "./explorer.ts";
import { type Case, CASES, RULE_NUMBERS } from "./cases.ts";

/** Explores one case and prints what was found; returns whether that is what was expected. */
function run<State>({ name, isToBreak, rule }: Case, model: Model<State>, showsTrace: boolean): boolean {
  const startedAtMs = performance.now();
  const { problem, trace, isComplete, states, transitions } = explore(model);
  const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1);
  const isExpected = isToBreak ? problem !== undefined : isComplete;
  const verdict = problem ?? (isComplete ? "holds" : "holds as far as it was explored");
  const title = rule === undefined ? name : `${isToBreak ? "without rule" : "rule"} ${rule}, ${name}`;
  console.log(
    `${
      isExpected ? "ok  " : "FAIL"
    } ${title}: ${verdict} (${states} states, ${transitions} transitions, ${seconds} s)`,
  );
  if ((showsTrace && isToBreak) || !isExpected) {
    for (const [at, label] of trace.entries()) console.log(`       ${at + 1}. ${label}`);
  }
  return isExpected;
}

const { rule, small, _: rest } = parseArgs(Deno.args, {
  string: ["rule"],
  boolean: ["small"],
  unknown: (option) => {
    console.error(`deno task model knows no ${option}: give --small, or --rule and a number`);
    Deno.exit(2);
  },
});
if (rest.length > 0 || (rule !== undefined && !RULE_NUMBERS.includes(rule))) {
  console.error(`There is no rule ${rule}: give one of ${RULE_NUMBERS.join(", ")}`);
  Deno.exit(2);
}
const wanted = CASES.filter((each) => rule === undefined ? !small || !each.isLarge : each.rule === rule);
const results = wanted.map((each) => run(each, each.model(), rule !== undefined));
const failed = results.filter((isExpected) => !isExpected).length;
console.log(`${results.length - failed} as expected, ${failed} not`);
Deno.exit(failed > 0 ? 1 : 0);
