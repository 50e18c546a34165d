import { closest, distance } from "fastest-levenshtein";
import { type Setting, SETTINGS } from "./settings.ts";

/** Names as short as this differ from many others by little. */
const MIN_LENGTH = 6;
const MAX_DISTANCE = 2;

/** Warnings of variables that look like a setting misspelt: one sentence each. */
export function typoWarnings(variables: readonly string[]): string[] {
  const known = Object.values(SETTINGS as Record<string, Setting<unknown>>).map(({ variable }) => variable);
  const warnings: string[] = [];
  for (const variable of variables) {
    if (known.includes(variable) || variable.length < MIN_LENGTH) continue;
    const name = normalized(variable);
    const near = closest(name, known);
    if (distance(name, near) > MAX_DISTANCE || (name !== near && variables.includes(near))) continue;
    warnings.push(`${variable} is set, which is no setting of the agent: did you mean ${near}?`);
  }
  return warnings;
}

/** As people write it when they guess: in lower case, with hyphens, with the agent's name in front. */
function normalized(variable: string): string {
  return variable.toUpperCase().replaceAll("-", "_").replace(/^PULLING_AGENT_/, "");
}
