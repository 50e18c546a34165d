import type { RangesOptions } from "./ranges.ts";
import type { RangeRuleName } from "./rules.ts";

/** A scenario and what it is called. */
export interface RangeScenario extends RangesOptions {
  readonly name: string;
}

const ONE = { natures: ["good"], agents: 2, batch: 1 } as const;
const TWO = { natures: ["good", "good"], agents: 2, batch: 2 } as const;
const LATE = { ...TWO, late: [0] } as const;
/** A in range mode, B in document mode. */
const BOTH = { ...ONE, documentAgents: [1] } as const;

/** The run of one document lasts until the first renewal. */
const SLOW = { ...ONE, slow: [0] } as const;
/** A range whose holder ends its process, beside a document that is inserted into it. */
const POISON = { ...LATE, natures: ["good", "poison"] } as const;

/** For each rule the smallest scenario that breaks without it, and holds with it. */
export const RANGE_COUNTEREXAMPLES: Readonly<Record<RangeRuleName, Omit<RangesOptions, "without">>> = {
  boundsByIndex: { ...TWO, natures: ["poison", "good"], agents: 1, types: ["ObjectId", "string"] },
  comparesVersion: { ...TWO, claimsAside: true },
  versionsAreUnique: { ...TWO, batch: 1, budget: { stop: 1, failover: 1 } },
  readsControlFirst: ONE,
  startsOver: { ...LATE, agents: 1 },
  acksListed: { natures: ["good", "good", "good"], agents: 1, batch: 2, late: [1] },
  namesNew: { ...ONE, budget: { freeze: 1, reset: 1 } },
  namesStatus: { ...ONE, agents: 1, budget: { stop: 1 } },
  oneTransaction: { ...ONE, natures: ["writing"], agents: 1, budget: { crash: 1 } },
  leasesBeforeVerdict: { ...ONE, natures: ["doomed"], agents: 1, budget: { crash: 1 } },
  failsRefused: { ...ONE, natures: ["stubborn"], agents: 1 },
  awaitsAcks: TWO,
  releasesInDrain: { ...TWO, budget: { drain: 1 } },
  leavesRange: { ...LATE, natures: ["good", "endless"], slow: [1] },
  leasesByFilter: { ...SLOW, agents: 1, budget: { lose: 1 } },
  matchesOwnLease: { ...SLOW, agents: 1 },
  namesOwnToken: { ...SLOW, budget: { freeze: 1, reset: 1 } },
  renewsOwnLeases: SLOW,
  takesOverFirst: POISON,
  comparesToken: { ...POISON, budget: { freeze: 1 } },
  comparesBounds: { ...POISON, batch: 1, most: 1, budget: { lose: 1 } },
  leftByItsFilter: { ...ONE, natures: ["poison"], filters: [[0], []] },
  awaitsMarks: { ...POISON, budget: { lose: 1 } },
  marksTakeover: { natures: ["poison"], agents: 1, batch: 1 },
  staysOld: { ...ONE, budget: { lose: 1, reset: 1 } },
  requeueLeavesNew: { ...ONE, budget: { requeue: 1 } },
  takesMode: BOTH,
  awaitsRanges: BOTH,
  awaitsMode: BOTH,
  modeChangesVersion: { ...BOTH, natures: ["good", "good"], agents: 3 },
  claimsCarryMode: { ...BOTH, budget: { freeze: 1 } },
  waitsAfterMaking: { ...BOTH, budget: { wipe: 1 } },
  looksForOthers: { ...BOTH, natures: ["good", "good"], late: [1] },
  leaseTellsMode: { ...ONE, budget: { drain: 1 } },
};

/** What range claims do not promise. */
export const RANGE_LIMITS: readonly RangeScenario[] = [
  { name: "an agent that does not know of modes", ...ONE, silentAgents: [1] },
  {
    name: "an `_id` that is deleted and inserted again while a range holds it",
    ...ONE,
    agents: 1,
    budget: { remove: 1, again: 1 },
  },
];

/** Holds with all rules, and takes seconds at most: the tests explore these. */
export const SMALL_RANGES: readonly RangeScenario[] = [
  { name: "three documents", ...TWO, natures: ["good", "good", "good"] },
  { name: "late before and inside", ...TWO, natures: ["good", "good", "good"], late: [0, 1] },
  { name: "beside live ranges", ...LATE, natures: ["good", "good", "good"], batch: 1 },
  { name: "late, freeze", ...LATE, budget: { freeze: 1 } },
  { name: "late, lost answer", ...LATE, budget: { lose: 1 } },
  { name: "poison, late", ...TWO, natures: ["poison", "good"], late: [1] },
  { name: "reset, freeze", ...ONE, budget: { reset: 1, freeze: 1 } },
  { name: "failures, drain", ...TWO, natures: ["flaky", "good"], budget: { drain: 1 } },
  { name: "removed, stopped", ...TWO, budget: { remove: 1, stop: 1 } },
  {
    name: "two types of id, late",
    ...TWO,
    natures: ["good", "good", "good"],
    types: ["a", "b", "b"],
    late: [1],
  },
  { name: "writes, freeze, lost answer", ...ONE, natures: ["writing"], budget: { freeze: 1, lose: 1 } },
  {
    name: "writes, kill, abort, reset",
    ...ONE,
    natures: ["writing"],
    budget: { crash: 1, abort: 1, reset: 1 },
  },
  { name: "fails for good, kill, lost answer", ...ONE, natures: ["doomed"], budget: { crash: 1, lose: 1 } },
  { name: "fails for good, freeze", ...TWO, natures: ["doomed", "good"], budget: { freeze: 1 } },
  { name: "takes no bookkeeping, kill, late", ...LATE, natures: ["stubborn", "good"], budget: { crash: 1 } },
  { name: "slow, freeze, lost answer", ...SLOW, budget: { freeze: 1, lose: 1 } },
  { name: "slow, two freezes", ...SLOW, budget: { freeze: 2 } },
  { name: "slow, kill, reset", ...SLOW, budget: { crash: 1, reset: 1 } },
  { name: "one of two is slow, lost answer", ...TWO, slow: [0], budget: { lose: 1 } },
  { name: "slow, failures, drain", ...TWO, natures: ["flaky", "good"], slow: [0], budget: { drain: 1 } },
  { name: "slow, writes, lost answer", ...SLOW, natures: ["writing"], budget: { lose: 1, freeze: 1 } },
  { name: "slow, fails for good, freeze", ...SLOW, natures: ["doomed"], budget: { freeze: 1 } },
  { name: "slow, poison", ...TWO, natures: ["poison", "good"], slow: [0] },
  { name: "slow, stopped, removed", ...SLOW, budget: { stop: 1, remove: 1 } },
  { name: "slow, takes no bookkeeping", ...SLOW, natures: ["stubborn"], budget: { freeze: 1 } },
  { name: "at random places, freeze", ...TWO, claimsAside: true, budget: { freeze: 1 } },
  { name: "finished in parts, late", ...POISON, most: 1 },
  {
    name: "finished beside a lock, kill, lost answer",
    ...TWO,
    natures: ["writing", "good"],
    agents: 1,
    budget: { crash: 1, lose: 1 },
  },
  { name: "failover, late", ...LATE, budget: { failover: 1 } },
  { name: "failover, freeze", ...TWO, batch: 1, budget: { failover: 1, freeze: 1 } },
  { name: "both modes", ...BOTH, ...TWO },
  { name: "both modes, control document removed, freeze", ...BOTH, budget: { wipe: 1, freeze: 1 } },
  { name: "both modes, failover", ...BOTH, ...TWO, budget: { failover: 1 } },
  { name: "both modes, slow, freeze", ...BOTH, slow: [0], budget: { freeze: 1 } },
  { name: "both modes, two freezes", ...BOTH, budget: { freeze: 2 } },
  { name: "both modes, lost answer, freeze", ...BOTH, budget: { lose: 1, freeze: 1 } },
  { name: "both modes, poison", ...BOTH, natures: ["poison"] },
  { name: "both modes, takes no bookkeeping, freeze", ...BOTH, natures: ["stubborn"], budget: { freeze: 1 } },
];

/** Holds with all rules; takes minutes. */
export const LARGE_RANGES: readonly RangeScenario[] = [
  { name: "control document removed, freeze", ...TWO, batch: 1, slow: [0], budget: { wipe: 1, freeze: 1 } },
  { name: "freeze, lost answer", ...TWO, budget: { freeze: 1, lose: 1 } },
  { name: "late, kill, freeze", ...LATE, budget: { crash: 1, freeze: 1 } },
  { name: "late, two kills", ...LATE, budget: { crash: 2 } },
  { name: "three agents, late, freeze", ...LATE, agents: 3, batch: 1, budget: { freeze: 1 } },
  {
    name: "beside live ranges, kill",
    ...LATE,
    natures: ["good", "good", "good"],
    batch: 1,
    budget: { crash: 1 },
  },
  { name: "failures, drain, lost answer", ...TWO, natures: ["flaky", "good"], budget: { drain: 1, lose: 1 } },
  {
    name: "writes, two lost answers, kill, freeze, reset",
    ...ONE,
    natures: ["writing"],
    budget: { lose: 2, crash: 1, freeze: 1, reset: 1 },
  },
  {
    name: "writes, late, lost answer, freeze",
    ...LATE,
    natures: ["good", "writing"],
    budget: { lose: 1, freeze: 1 },
  },
  { name: "drain, kill, lost answer", ...TWO, budget: { drain: 1, crash: 1, lose: 1 } },
  { name: "drain, freeze, lost answer", ...TWO, budget: { drain: 1, freeze: 1, lose: 1 } },
  { name: "removed, inserted again, reset, freeze", ...ONE, budget: { remove: 1, reset: 1, freeze: 1 } },
  { name: "slow, late, kill, freeze", ...LATE, slow: [1], budget: { crash: 1, freeze: 1 } },
  { name: "slow, two lost answers, freeze", ...SLOW, budget: { lose: 2, freeze: 1 } },
  { name: "slow, freeze, reset, lost answer", ...SLOW, budget: { freeze: 1, reset: 1, lose: 1 } },
  { name: "two slow, freeze, lost answer", ...TWO, slow: [0, 1], budget: { freeze: 1, lose: 1 } },
  { name: "slow, drain, kill, lost answer", ...TWO, slow: [0], budget: { drain: 1, crash: 1, lose: 1 } },
  {
    name: "slow, writes, kill, freeze, lost answer",
    ...SLOW,
    natures: ["writing"],
    budget: { crash: 1, freeze: 1, lose: 1 },
  },
  {
    name: "slow, fails for good, kill, freeze, lost answer",
    ...SLOW,
    natures: ["doomed"],
    budget: { crash: 1, freeze: 1, lose: 1 },
  },
  { name: "slow, three agents, freeze, lost answer", ...SLOW, agents: 3, budget: { freeze: 1, lose: 1 } },
  {
    name: "slow, takes no bookkeeping, kill, lost answer",
    ...SLOW,
    natures: ["stubborn"],
    budget: { crash: 1, lose: 1 },
  },
  { name: "both modes, slow, freeze, lost answer", ...BOTH, slow: [0], budget: { freeze: 1, lose: 1 } },
  { name: "at random places, late, kill", ...LATE, claimsAside: true, budget: { crash: 1 } },
  { name: "both modes, kill, freeze", ...BOTH, ...TWO, budget: { crash: 1, freeze: 1 } },
  { name: "both modes, late, lost answer", ...BOTH, ...LATE, budget: { lose: 1 } },
  {
    name: "four documents, late, drain",
    ...TWO,
    natures: ["good", "good", "good", "good"],
    late: [1, 2],
    budget: { drain: 1 },
  },
  {
    name: "three agents, three documents, late",
    ...TWO,
    natures: ["good", "good", "good"],
    agents: 3,
    late: [0, 1],
  },
  { name: "two filters, kill, freeze", ...TWO, filters: [[0, 1], [0]], budget: { crash: 1, freeze: 1 } },
  { name: "both modes, kill, lost answer", ...BOTH, ...TWO, budget: { crash: 1, lose: 1 } },
  { name: "both modes, two lost answers, freeze", ...BOTH, budget: { lose: 2, freeze: 1 } },
  { name: "both modes, reset, freeze, lost answer", ...BOTH, budget: { reset: 1, freeze: 1, lose: 1 } },
  { name: "both modes, drain, late, freeze", ...BOTH, ...LATE, budget: { drain: 1, freeze: 1 } },
  {
    name: "both modes, writes, kill, freeze, lost answer",
    ...BOTH,
    natures: ["writing"],
    budget: { crash: 1, freeze: 1, lose: 1 },
  },
  {
    name: "both modes, three agents, freeze, lost answer",
    ...BOTH,
    agents: 3,
    budget: { freeze: 1, lose: 1 },
  },
  {
    name: "both modes, two agents in document mode, freeze, lost answer",
    ...BOTH,
    agents: 3,
    documentAgents: [1, 2],
    budget: { freeze: 1, lose: 1 },
  },
];
