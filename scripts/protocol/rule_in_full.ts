import type { Exploration } from "../../models/explorer.ts";
import type { Rule } from "../../models/rule.ts";
import { codePlaces } from "./code_places.ts";

/** A rule for docs/protocol.md, with its counterexample. Throws if the code that it names is not there. */
export async function ruleInFull(
  { title, rule, exactly, reason, without, code }: Rule,
  { heading, name, number, root, rules, trace }: RuleSurroundings,
): Promise<string> {
  const where = await codePlaces(code, { number, root, rules });
  return [
    `${heading} Rule ${number}: ${title}`,
    rule,
    ...exactly ? [["```text", ...exactly, "```"].join("\n")] : [],
    `_Why:_ ${reason}`,
    `_Code:_ ${where}. _Model:_ \`${name}\`.`,
    `_Without it_ (${without}):`,
    trace,
  ].join("\n\n");
}

/** What a rule does not know of itself. */
export interface RuleSurroundings {
  /** The number signs of its heading. */
  heading: string;
  name: string;
  number: string;
  root: string;
  /** Where the rules are, for a message. */
  rules: string;
  /** Its counterexample. */
  trace: string;
}

/**
 * What an exploration found, below the scenario in which it did.
 *
 * @param model the folder of the model, for a message
 * @throws {Error} If it found nothing.
 */
export function counterexample(
  { problem, trace }: Exploration,
  { model, name, scenario }: { model: string; name: string; scenario: string },
): string {
  if (!problem) {
    throw new Error(`The model finds no counterexample in "${name}": see ${model}/scenarios.ts`);
  }
  const steps = trace.map((label, at) => `${at + 1}. ${capital(label)}.`);
  return `${scenario}\n\n${steps.join("\n")}\n\nThen: ${problem}.`;
}

/** How many agents there are, which documents, and what may go wrong, for people. */
export function scenarioParts(
  { agents, budget = {}, natures }: {
    agents: number;
    budget?: Readonly<Record<string, number>>;
    natures: readonly string[];
  },
): { agents: string; documents: string; faults: string } {
  const faults = Object.entries(budget).map(([fault, times]) => `${fault} ${times}`).join(", ") || "none";
  return {
    agents: agents === 1 ? "One agent" : `${agents} agents`,
    documents: natures.map((nature, at) => `d${at} is ${nature}`).join(", "),
    faults: `faults: ${faults}`,
  };
}

/** With a capital letter first. */
export function capital(text: string): string {
  return text[0]!.toUpperCase() + text.slice(1);
}
