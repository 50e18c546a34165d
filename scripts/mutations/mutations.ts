import { numberOf, RULE_NAMES, RULES } from "../../models/claims/rules.ts";
import type { RuleName } from "../../models/claims/rules.ts";
import { RANGE_RULE_NAMES, RANGE_RULES } from "../../models/ranges/rules.ts";
import { table } from "../markdown_table.ts";
import { LEASE_MUTATIONS } from "./lease_mutations.ts";
import { LETTER_MUTATIONS } from "./letter_mutations.ts";
import { type Catcher, type Mutation, WITNESS } from "./mutation.ts";
import { RANGE_MUTATIONS } from "./range_mutations.ts";
import { RESULT_MUTATIONS } from "./result_mutations.ts";

/** A rule of the claim protocol, and how it is broken in the code. */
export interface BrokenRule {
  /** Those of range claims begin with a letter. */
  readonly number: string;
  /** In its model. Both models may have a rule of one name. */
  readonly name: string;
  readonly title: string;
  readonly mutation: Mutation;
}

const CLAIM_MUTATIONS: Readonly<Record<RuleName, Mutation>> = {
  ...LEASE_MUTATIONS,
  ...LETTER_MUTATIONS,
  ...RESULT_MUTATIONS,
};

/** Each rule of the claim protocol, broken in the code, in the order of the rules. */
export const BROKEN_RULES: readonly BrokenRule[] = [
  ...RULE_NAMES.map((name) => ({
    number: String(numberOf(name)),
    name,
    title: RULES[name].title,
    mutation: CLAIM_MUTATIONS[name],
  })),
  ...RANGE_RULE_NAMES.flatMap((name) => {
    const { number, title } = RANGE_RULES[name];
    const mutation = RANGE_MUTATIONS[name];
    return mutation ? [{ number, name, title, mutation }] : [];
  }),
];

/** Which rule is broken how, and what catches it, for docs/reliability.md. */
export function mutationsTable(): string {
  const rows = BROKEN_RULES.map(({ mutation: { caughtBy, what }, number, title }) => {
    const catchers = caughtBy.map((each) => `[${nameOf(each)}](../${each.file})`);
    return [`${number}: ${title}`, what, catchers.join(", ")];
  });
  return table(["Rule", "Broken so", "Caught by"], rows);
}

function nameOf(catcher: Catcher): string {
  return catcher === WITNESS ? "the witness" : catcher.file.replace(/^tests\//, "").replace(/_test\.ts$/, "");
}
