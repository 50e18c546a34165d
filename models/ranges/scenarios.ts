import type { RangesOptions } from "./ranges.ts";
import type { RangeRuleName } from "./rules.ts";

/** A scenario and what it is called. */
export interface RangeScenario extends RangesOptions {
  readonly name: string;
}

/** For each rule the smallest scenario that breaks without it, and holds with it. */
export const RANGE_COUNTEREXAMPLES: Readonly<Record<RangeRuleName, Omit<RangesOptions, "without">>> = {
  comparesVersion: { natures: ["good", "good"], agents: 2, batch: 2, late: [0] },
  readsControlFirst: { natures: ["good", "good"], agents: 2, batch: 2, late: [0] },
  startsOver: { natures: ["good", "good"], agents: 1, batch: 2, late: [0] },
  takesOverFirst: { natures: ["good", "good"], agents: 2, batch: 2, late: [0], budget: { crash: 1 } },
  comparesToken: {
    natures: ["good", "good"],
    agents: 3,
    batch: 2,
    late: [0],
    budget: { crash: 1, freeze: 1 },
  },
  awaitsMarks: { natures: ["good", "good"], agents: 2, batch: 2, budget: { crash: 1, lose: 1 } },
  staysOld: { natures: ["good"], agents: 2, batch: 1, budget: { lose: 1, reset: 1 } },
  awaitsAcks: { natures: ["good", "good"], agents: 2, batch: 2 },
  dropsLast: { natures: ["good", "good"], agents: 2, batch: 2, budget: { drain: 1 } },
};

/** Rules whose scenario takes more than a second: the tests leave them to `deno task model`. */
export const LARGE_RULES: ReadonlySet<RangeRuleName> = new Set(["comparesToken"]);

/** Holds with all rules, and takes seconds at most: the tests explore these. */
export const SMALL_RANGES: readonly RangeScenario[] = [
  { name: "three documents", natures: ["good", "good", "good"], agents: 2, batch: 2 },
  { name: "late before and inside", natures: ["good", "good", "good"], agents: 2, batch: 2, late: [0, 1] },
  { name: "beside live ranges", natures: ["good", "good", "good"], agents: 2, batch: 1, late: [0] },
  {
    name: "late, two kills",
    natures: ["good", "good"],
    agents: 2,
    batch: 2,
    late: [0],
    budget: { crash: 2 },
  },
  { name: "late, freeze", natures: ["good", "good"], agents: 2, batch: 2, late: [0], budget: { freeze: 1 } },
  {
    name: "late, lost answer",
    natures: ["good", "good"],
    agents: 2,
    batch: 2,
    late: [0],
    budget: { lose: 1 },
  },
  { name: "poison, late", natures: ["poison", "good"], agents: 2, batch: 2, late: [1] },
  { name: "reset, freeze", natures: ["good"], agents: 2, batch: 1, budget: { reset: 1, freeze: 1 } },
  { name: "failures, drain", natures: ["flaky", "good"], agents: 2, batch: 2, budget: { drain: 1 } },
];

/** Holds with all rules; takes minutes. */
export const LARGE_RANGES: readonly RangeScenario[] = [
  {
    name: "three agents, late, freeze",
    natures: ["good", "good"],
    agents: 3,
    batch: 1,
    late: [0],
    budget: { freeze: 1 },
  },
  {
    name: "late, kill, freeze",
    natures: ["good", "good"],
    agents: 2,
    batch: 2,
    late: [0],
    budget: { crash: 1, freeze: 1 },
  },
  {
    name: "freeze, lost answer",
    natures: ["good", "good"],
    agents: 2,
    batch: 2,
    late: [0],
    budget: { freeze: 1, lose: 1 },
  },
  {
    name: "beside live ranges, kill",
    natures: ["good", "good", "good"],
    agents: 2,
    batch: 1,
    late: [0],
    budget: { crash: 1 },
  },
  {
    name: "failures, drain, lost answer",
    natures: ["flaky", "good"],
    agents: 2,
    batch: 2,
    budget: { drain: 1, lose: 1 },
  },
];
