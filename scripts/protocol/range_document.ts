import { explore } from "../../models/explorer.ts";
import { RANGE_FAULTS } from "../../models/ranges/faults.ts";
import { Ranges } from "../../models/ranges/ranges.ts";
import type { NumberedRule } from "../../models/rule.ts";
import { RANGE_RULE_GROUPS, type RangeRuleName } from "../../models/ranges/rules.ts";
import { RANGE_COUNTEREXAMPLES, RANGE_LIMITS, type RangeScenario } from "../../models/ranges/scenarios.ts";
import { table } from "../markdown_table.ts";
import { capital, counterexample, ruleInFull, scenarioParts } from "./rule_in_full.ts";

/**
 * The rules of range claims for docs/protocol.md, each with its number, its reason, its place in the code below `root`, and
 * the shortest counterexample that the model finds without it.
 *
 * @throws {Error} If the code that a rule names is not there, or a rule has no counterexample.
 */
export async function rangeRulesInFull(root: string): Promise<string> {
  const parts: string[] = [];
  for (const [group, rules] of Object.entries(RANGE_RULE_GROUPS)) {
    parts.push(`#### ${group}`);
    for (const [name, rule] of Object.entries(rules)) {
      parts.push(await inFull(name as RangeRuleName, rule, root));
    }
  }
  return parts.join("\n\n");
}

/** What may go wrong in a scenario of range claims. */
export function rangeFaultsTable(): string {
  return table(["Fault", "What happens"], Object.entries(RANGE_FAULTS));
}

/** The limits of range claims, as the model shows them. */
export function rangeLimitsInFull(): string {
  return RANGE_LIMITS.map((limit) => `${capital(limit.name)}:\n\n${traceOf(limit)}`).join("\n\n");
}

async function inFull(name: RangeRuleName, rule: NumberedRule, root: string): Promise<string> {
  const trace = traceOf({ ...RANGE_COUNTEREXAMPLES[name], name, without: name });
  const { number } = rule;
  return await ruleInFull(rule, { heading: "#####", name, number, root, rules: "models/ranges", trace });
}

function traceOf(scenario: RangeScenario): string {
  const { batch, documentAgents = [], late = [], most, name, silentAgents = [], slow = [] } = scenario;
  const { agents, documents, faults } = scenarioParts(scenario);
  const text = [
    `${agents}; ${documents}; ranges of at most ${batch}`,
    ...slow.map((doc) => `d${doc} is slow`),
    ...most === undefined ? [] : [`takeovers mark ${most} at once`],
    ...documentAgents.map((at) => `${"ABC"[at]} is in document mode`),
    ...silentAgents.map((at) => `${"ABC"[at]} does not know of modes`),
    ...late.map((doc) => `d${doc} is inserted later`),
    `${faults}.`,
  ].join("; ");
  return counterexample(explore(new Ranges(scenario)), { model: "models/ranges", name, scenario: text });
}
