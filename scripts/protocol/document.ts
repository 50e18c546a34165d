import { Claims } from "../../models/claims/claims.ts";
import { numberOf, type Rule, RULE_GROUPS, type RuleName } from "../../models/claims/rules.ts";
import type { Scenario } from "../../models/claims/scenario.ts";
import { COUNTEREXAMPLES, LIMITS } from "../../models/claims/scenarios.ts";
import { FAULTS } from "../../models/claims/faults.ts";
import { explore } from "../../models/explorer.ts";
import { table } from "../markdown_table.ts";
import { codePlaces } from "./code_places.ts";
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

async function inFull(
  name: RuleName,
  { title, rule, exactly, reason, without, code }: Rule,
  root: string,
): Promise<string> {
  const where = await codePlaces(code, { number: numberOf(name), root, rules: "models/claims/rules.ts" });
  const trace = traceOf({ ...COUNTEREXAMPLES[name], name, without: name });
  return [
    `#### Rule ${numberOf(name)}: ${title}`,
    rule,
    ...exactly ? [["```text", ...exactly, "```"].join("\n")] : [],
    `_Why:_ ${reason}`,
    `_Code:_ ${where}. _Model:_ \`${name}\`.`,
    `_Without it_ (${without}):`,
    trace,
  ].join("\n\n");
}

function traceOf(scenario: Scenario): string {
  const { problem, trace } = explore(new Claims(scenario));
  if (!problem) {
    throw new Error(
      `The model finds no counterexample in "${scenario.name}": see models/claims/scenarios.ts`,
    );
  }
  const steps = readableSteps(trace).map((label, at) => `${at + 1}. ${capital(label)}.`);
  return `${scenarioText(scenario)}\n\n${steps.join("\n")}\n\nThen: ${problem}.`;
}

function scenarioText({ natures, agents, maxAttempts, budget = {} }: Scenario): string {
  const documents = natures.map((nature, at) => `d${at} is ${nature}`).join(", ");
  const faults = Object.entries(budget).map(([fault, times]) => `${fault} ${times}`).join(", ") || "none";
  return `${
    agents === 1 ? "One agent" : `${agents} agents`
  }; ${documents}; \`MAX_ATTEMPTS\` ${maxAttempts}; faults: ${faults}.`;
}

function capital(text: string): string {
  return text[0]!.toUpperCase() + text.slice(1);
}
