import { Claims } from "./claims/claims.ts";
import { numberOf, RULE_NAMES, RULES } from "./claims/rules.ts";
import { COUNTEREXAMPLES, LARGE, LIMITS, SMALL } from "./claims/scenarios.ts";
import type { Model } from "./explorer.ts";
import { Ranges } from "./ranges/ranges.ts";
import { RANGE_RULE_NAMES, RANGE_RULES } from "./ranges/rules.ts";
import { LARGE_RANGES, RANGE_COUNTEREXAMPLES, RANGE_LIMITS, SMALL_RANGES } from "./ranges/scenarios.ts";

/** Something to explore, and what to expect of it. */
export interface Case {
  readonly name: string;
  /** The number of the rule that it is about. */
  readonly rule?: string;
  /** A problem has to be found. */
  readonly isToBreak: boolean;
  /** Takes more than a few seconds. */
  readonly isLarge: boolean;
  // deno-lint-ignore no-explicit-any -- what a state is, only the model needs to know.
  model(): Model<any>;
}

/** All cases of both models. */
export const CASES: readonly Case[] = [
  ...RULE_NAMES.flatMap((name) => {
    const known = { name: RULES[name].title, rule: String(numberOf(name)), isLarge: false };
    const scenario = COUNTEREXAMPLES[name];
    return [
      { ...known, isToBreak: false, model: () => new Claims(scenario) },
      { ...known, isToBreak: true, model: () => new Claims({ ...scenario, without: name }) },
    ];
  }),
  ...LIMITS.map((limit) => ({
    name: `limit, ${limit.name}`,
    isToBreak: true,
    isLarge: false,
    model: () => new Claims(limit),
  })),
  ...[...SMALL, ...LARGE].map((scenario) => ({
    name: `claims, ${scenario.name}`,
    isToBreak: false,
    isLarge: LARGE.includes(scenario),
    model: () => new Claims(scenario),
  })),
  ...RANGE_RULE_NAMES.flatMap((name) => {
    const { number: rule, without } = RANGE_RULES[name];
    const known = { name, rule, isLarge: false };
    const scenario = RANGE_COUNTEREXAMPLES[name];
    return [
      { ...known, isToBreak: false, model: () => new Ranges(scenario) },
      { ...known, name: without, isToBreak: true, model: () => new Ranges({ ...scenario, without: name }) },
    ];
  }),
  ...RANGE_LIMITS.map((limit) => ({
    name: `limit, ${limit.name}`,
    isToBreak: true,
    isLarge: false,
    model: () => new Ranges(limit),
  })),
  ...[...SMALL_RANGES, ...LARGE_RANGES].map((scenario) => ({
    name: `ranges, ${scenario.name}`,
    isToBreak: false,
    isLarge: LARGE_RANGES.includes(scenario),
    model: () => new Ranges(scenario),
  })),
];

/** The numbers of all rules. */
export const RULE_NUMBERS: readonly string[] = [
  ...new Set(CASES.flatMap(({ rule }) => rule === undefined ? [] : [rule])),
];
