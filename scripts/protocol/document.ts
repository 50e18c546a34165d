import { Claims } from "../../models/claims/claims.ts";
import { numberOf, type Rule, RULE_GROUPS, type RuleName } from "../../models/claims/rules.ts";
import type { Scenario } from "../../models/claims/scenario.ts";
import { COUNTEREXAMPLES, LIMITS } from "../../models/claims/scenarios.ts";
import { FAULTS } from "../../models/claims/faults.ts";
import { explore } from "../../models/explorer.ts";
import { table } from "../markdown_table.ts";
import { capital, counterexample, ruleInFull, scenarioParts } from "./rule_in_full.ts";
import { readableSteps } from "./trace.ts";

/**
 * The rules of the claim protocol for docs/protocol.md, each with its number, its reason, its place in the code below
 * `root`, and the shortest counterexample that the model finds without it.
 *
 * @throws {Error} If the code that a rule names is not there, or a rule has no counterexample.
 */
export async function rulesInFull(root: string): Promise<string> {
  const parts: string[] = [];
  for (const [group, rules] of Object.entries(RULE_GROUPS)) {
    parts.push(`### ${group}`);
    for (const [name, rule] of Object.entries(rules)) parts.push(await inFull(name as RuleName, rule, root));
  }
  return parts.join("\n\n");
}

/** What may go wrong in a scenario of the model. */
export function faultsTable(): string {
  return table(["Fault", "What happens"], Object.entries(FAULTS));
}

/** The limits of the protocol, as the model shows them. */
export function limitsInFull(): string {
  return LIMITS.map((limit) => `${capital(limit.name)}:\n\n${traceOf(limit)}`).join("\n\n");
}

async function inFull(name: RuleName, rule: Rule, root: string): Promise<string> {
  const trace = traceOf({ ...COUNTEREXAMPLES[name], name, without: name });
  const number = String(numberOf(name));
  return await ruleInFull(rule, {
    heading: "####",
    name,
    number,
    root,
    rules: "models/claims/rules.ts",
    trace,
  });
}

function traceOf(scenario: Scenario): string {
  const found = explore(new Claims(scenario));
  const { agents, documents, faults } = scenarioParts(scenario);
  return counterexample({ ...found, trace: readableSteps(found.trace) }, {
    model: "models/claims",
    name: scenario.name,
    scenario: `${agents}; ${documents}; \`MAX_ATTEMPTS\` ${scenario.maxAttempts}; ${faults}.`,
  });
}
