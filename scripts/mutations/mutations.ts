import { numberOf, RULE_GROUPS, type RuleName } from "../../models/claims/rules.ts";
import { table } from "../markdown_table.ts";
import { LEASE_MUTATIONS } from "./lease_mutations.ts";
import { LETTER_MUTATIONS } from "./letter_mutations.ts";
import { type Catcher, type Mutation, WITNESS } from "./mutation.ts";
import { RESULT_MUTATIONS } from "./result_mutations.ts";

/** Each rule of the protocol, broken in the code. */
export const MUTATIONS: Readonly<Record<RuleName, Mutation>> = {
  ...LEASE_MUTATIONS,
  ...LETTER_MUTATIONS,
  ...RESULT_MUTATIONS,
};

/** Which rule is broken how, and what catches it, for docs/reliability.md. */
export function mutationsTable(): string {
  const titles = new Map(
    Object.values(RULE_GROUPS).flatMap((rules) =>
      Object.entries(rules).map(([name, { title }]) => [name, title] as const)
    ),
  );
  const names = (Object.keys(MUTATIONS) as RuleName[]).toSorted((one, other) =>
    numberOf(one) - numberOf(other)
  );
  const rows = names.map((name) => {
    const { caughtBy, what } = MUTATIONS[name];
    const catchers = caughtBy.map((each) => `[${nameOf(each)}](../${each.file})`);
    return [`${numberOf(name)}: ${titles.get(name)}`, what, catchers.join(", ")];
  });
  return table(["Rule", "Broken so", "Caught by"], rows);
}

function nameOf(catcher: Catcher): string {
  return catcher === WITNESS ? "the witness" : catcher.file.replace(/^tests\//, "").replace(/_test\.ts$/, "");
}
