import { explore } from "../../models/explorer.ts";
import { RANGE_FAULTS } from "../../models/ranges/faults.ts";
import { Ranges, type RangesOptions } from "../../models/ranges/ranges.ts";
import { RANGE_RULE_GROUPS, type RangeRule, type RangeRuleName } from "../../models/ranges/rules.ts";
import { RANGE_COUNTEREXAMPLES, RANGE_LIMITS } from "../../models/ranges/scenarios.ts";
import { table } from "../markdown_table.ts";
import { codePlaces } from "./code_places.ts";

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

async function inFull(
  name: RangeRuleName,
  { number, title, rule, exactly, reason, without, code }: RangeRule,
  root: string,
): Promise<string> {
  const where = await codePlaces(code, { number, root, rules: "models/ranges" });
  return [
    `##### Rule ${number}: ${title}`,
    rule,
    ...exactly ? [["```text", ...exactly, "```"].join("\n")] : [],
    `_Why:_ ${reason}`,
    `_Code:_ ${where}. _Model:_ \`${name}\`.`,
    `_Without it_ (${without}):`,
    traceOf({ ...RANGE_COUNTEREXAMPLES[name], without: name }),
  ].join("\n\n");
}

function traceOf(scenario: RangesOptions): string {
  const { problem, trace } = explore(new Ranges(scenario));
  if (!problem) {
    throw new Error(
      `The model finds no counterexample without ${scenario.without}: see models/ranges/scenarios.ts`,
    );
  }
  const steps = trace.map((label, at) => `${at + 1}. ${capital(label)}.`);
  return `${scenarioText(scenario)}\n\n${steps.join("\n")}\n\nThen: ${problem}.`;
}

function scenarioText(scenario: RangesOptions): string {
  const { natures, agents, batch, documentAgents = [], silentAgents = [], late = [], budget = {} } = scenario;
  const documents = natures.map((nature, at) => `d${at} is ${nature}`).join(", ");
  const faults = Object.entries(budget).map(([fault, times]) => `${fault} ${times}`).join(", ") || "none";
  return [
    `${agents === 1 ? "One agent" : `${agents} agents`}; ${documents}; ranges of at most ${batch}`,
    ...documentAgents.map((at) => `${"ABC"[at]} is in document mode`),
    ...silentAgents.map((at) => `${"ABC"[at]} does not know of modes`),
    ...late.map((doc) => `d${doc} is inserted later`),
    `faults: ${faults}.`,
  ].join("; ");
}

function capital(text: string): string {
  return text[0]!.toUpperCase() + text.slice(1);
}
