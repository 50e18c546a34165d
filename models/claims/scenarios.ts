import type { ClaimsOptions } from "./claims.ts";
import type { RuleName } from "./rules.ts";

/** A scenario in which some rule is switched off. */
export type Counterexample = Omit<ClaimsOptions, "without">;

/** For each rule the smallest scenario that breaks without it, and holds with it. */
export const COUNTEREXAMPLES: Readonly<Record<RuleName, Counterexample>> = {
  tokenIsLease: { natures: ["flaky"], agents: 1, maxAttempts: 2, budget: { take: 1 } },
  stillMatches: { natures: ["good"], agents: 2, maxAttempts: 1 },
  onlyItsToken: { natures: ["good"], agents: 2, maxAttempts: 1 },
  tokenInFilter: { natures: ["flaky"], agents: 2, maxAttempts: 2, budget: { freeze: 1 } },
  statusInFilter: { natures: ["good"], agents: 1, maxAttempts: 1, budget: { meddle: 1 } },
  serverClock: { natures: ["good"], agents: 2, maxAttempts: 1, budget: { crash: 1 } },
  renewal: { natures: ["good"], agents: 2, maxAttempts: 1, budget: { crash: 1 } },
  drainWaits: { natures: ["good"], agents: 1, maxAttempts: 1, budget: { drain: 1 } },
  readsBookkeepingBack: { natures: ["flaky"], agents: 2, maxAttempts: 3 },
  releaseRefunds: { natures: ["flaky"], agents: 1, maxAttempts: 2, budget: { drain: 1 } },
  freeTakeover: { natures: ["flaky"], agents: 1, maxAttempts: 2, budget: { crash: 1 } },
  cappedAttempts: { natures: ["poison"], agents: 1, maxAttempts: 1 },
  suspectsByTakeovers: { natures: ["poison"], agents: 1, maxAttempts: 1 },
  suspectsAlone: { natures: ["poison", "good"], agents: 1, maxAttempts: 1 },
  markBeforeStart: { natures: ["good"], agents: 1, maxAttempts: 3, budget: { crash: 4 } },
  noAnswerNoStart: { natures: ["poison"], agents: 1, maxAttempts: 1, budget: { lose: 1 } },
  markNeedsLease: { natures: ["poison"], agents: 1, maxAttempts: 3, budget: { freeze: 1 } },
  releaseTakesMarkBack: { natures: ["good"], agents: 1, maxAttempts: 3, budget: { crash: 3, drain: 1 } },
  releaseKeepsSuspicion: { natures: ["poison"], agents: 1, maxAttempts: 1, budget: { drain: 1 } },
  twoExpiries: { natures: ["good"], agents: 1, maxAttempts: 3, budget: { crash: 3 } },
  verdictFirst: { natures: ["flaky"], agents: 1, maxAttempts: 1, budget: { crash: 1 } },
  verdictOnce: { natures: ["bad"], agents: 1, maxAttempts: 1, budget: { lose: 1 } },
  finishVerdict: { natures: ["flaky"], agents: 1, maxAttempts: 1, budget: { crash: 1 } },
  newerLetterStays: { natures: ["bad"], agents: 2, maxAttempts: 1, budget: { freeze: 1, redrive: 1 } },
  redriveByVerdict: { natures: ["bad"], agents: 1, maxAttempts: 1, budget: { redrive: 1 } },
  documentBeforeLetter: { natures: ["bad"], agents: 1, maxAttempts: 1, budget: { redrive: 1, crash: 1 } },
  staleLettersGo: { natures: ["flaky"], agents: 1, maxAttempts: 1, budget: { redrive: 1, crash: 1 } },
  datedWhileHeld: { natures: ["bad"], agents: 2, maxAttempts: 1, budget: { freeze: 1, refuse: 1 } },
};

/** A scenario and what it is called. */
export interface Scenario extends ClaimsOptions {
  readonly name: string;
}

/** Holds with all rules, and takes seconds at most: the tests explore these. */
export const SMALL: readonly Scenario[] = [
  {
    name: "two documents, drain",
    natures: ["good", "flaky"],
    agents: 2,
    maxAttempts: 2,
    budget: { drain: 1 },
  },
  { name: "three documents", natures: ["good", "bad", "good"], agents: 2, maxAttempts: 1 },
  { name: "three agents", natures: ["good", "good"], agents: 3, maxAttempts: 1 },
  { name: "one kill", natures: ["flaky"], agents: 2, maxAttempts: 2, budget: { crash: 1 } },
  { name: "kill and drain", natures: ["flaky"], agents: 2, maxAttempts: 2, budget: { crash: 1, drain: 1 } },
  { name: "two lost answers", natures: ["flaky"], agents: 2, maxAttempts: 2, budget: { lose: 2 } },
  {
    name: "frozen agent, two documents",
    natures: ["good", "flaky"],
    agents: 2,
    maxAttempts: 2,
    budget: { freeze: 1 },
  },
  {
    name: "freeze and lost answer",
    natures: ["flaky"],
    agents: 2,
    maxAttempts: 1,
    budget: { freeze: 1, lose: 1 },
  },
  { name: "poison and a neighbour", natures: ["poison", "good"], agents: 1, maxAttempts: 3 },
  { name: "poison, drain", natures: ["poison", "good"], agents: 1, maxAttempts: 2, budget: { drain: 1 } },
  { name: "poison, lost answer", natures: ["poison"], agents: 2, maxAttempts: 2, budget: { lose: 1 } },
  { name: "redrive and kill", natures: ["bad"], agents: 2, maxAttempts: 1, budget: { redrive: 1, crash: 1 } },
  { name: "two redrives", natures: ["flaky"], agents: 1, maxAttempts: 1, budget: { redrive: 2 } },
  {
    name: "redrive and freeze",
    natures: ["flaky"],
    agents: 2,
    maxAttempts: 1,
    budget: { redrive: 1, freeze: 1 },
  },
  {
    name: "two refused verdicts, freeze",
    natures: ["flaky"],
    agents: 2,
    maxAttempts: 1,
    budget: { refuse: 2, freeze: 1 },
  },
  {
    name: "refused verdict, lost answer and freeze",
    natures: ["flaky"],
    agents: 2,
    maxAttempts: 1,
    budget: { refuse: 1, lose: 1, freeze: 1 },
  },
  {
    name: "refused verdict, kill and redrive",
    natures: ["flaky"],
    agents: 2,
    maxAttempts: 1,
    budget: { refuse: 1, crash: 1, redrive: 1 },
  },
  {
    name: "another program takes, a user deletes",
    natures: ["flaky"],
    agents: 2,
    maxAttempts: 2,
    budget: { take: 1, remove: 1, crash: 1 },
  },
  {
    name: "reset and lost answer",
    natures: ["flaky"],
    agents: 2,
    maxAttempts: 1,
    budget: { reset: 1, lose: 1 },
  },
  {
    name: "reset that leaves _pull",
    natures: ["good"],
    agents: 2,
    maxAttempts: 2,
    budget: { meddle: 1, lose: 1 },
  },
  {
    name: "edit, everything is read back",
    natures: ["good", "flaky"],
    agents: 2,
    maxAttempts: 2,
    readsAllBack: true,
    budget: { edit: 1 },
  },
];

/** Holds with all rules; takes minutes. */
export const LARGE: readonly Scenario[] = [
  {
    name: "kill, two documents",
    natures: ["good", "flaky"],
    agents: 2,
    maxAttempts: 2,
    budget: { crash: 1 },
  },
  { name: "two kills", natures: ["flaky"], agents: 2, maxAttempts: 3, budget: { crash: 2 } },
  {
    name: "lost answer, two documents",
    natures: ["good", "flaky"],
    agents: 2,
    maxAttempts: 2,
    budget: { lose: 1 },
  },
  {
    name: "freeze, kill and lost answer",
    natures: ["flaky"],
    agents: 2,
    maxAttempts: 1,
    budget: { freeze: 1, crash: 1, lose: 1 },
  },
  {
    name: "kills until a suspect is alone, drain",
    natures: ["flaky"],
    agents: 1,
    maxAttempts: 2,
    budget: { crash: 4, drain: 1 },
  },
  { name: "poison and flaky, two agents", natures: ["poison", "flaky"], agents: 2, maxAttempts: 2 },
  { name: "poison and two neighbours", natures: ["poison", "good", "good"], agents: 1, maxAttempts: 3 },
  { name: "two poisons", natures: ["poison", "poison"], agents: 1, maxAttempts: 2 },
  {
    name: "poison, drain, two agents",
    natures: ["poison", "good"],
    agents: 2,
    maxAttempts: 2,
    budget: { drain: 1 },
  },
  { name: "poison, freeze", natures: ["poison", "good"], agents: 2, maxAttempts: 2, budget: { freeze: 1 } },
  {
    name: "poison, lost answer, neighbour",
    natures: ["poison", "good"],
    agents: 1,
    maxAttempts: 1,
    budget: { lose: 1 },
  },
  {
    name: "poison, kill, neighbour",
    natures: ["poison", "good"],
    agents: 1,
    maxAttempts: 2,
    budget: { crash: 1 },
  },
  {
    name: "two redrives, kill",
    natures: ["bad"],
    agents: 2,
    maxAttempts: 1,
    budget: { redrive: 2, crash: 1 },
  },
  {
    name: "redrive, kill and freeze",
    natures: ["flaky"],
    agents: 2,
    maxAttempts: 1,
    budget: { redrive: 1, crash: 1, freeze: 1 },
  },
  {
    name: "redrive, kill and lost answer",
    natures: ["flaky"],
    agents: 2,
    maxAttempts: 1,
    budget: { redrive: 1, crash: 1, lose: 1 },
  },
  {
    name: "two redrives, freeze",
    natures: ["flaky"],
    agents: 2,
    maxAttempts: 1,
    budget: { redrive: 2, freeze: 1 },
  },
  {
    name: "refused verdict, redrive and freeze",
    natures: ["flaky"],
    agents: 2,
    maxAttempts: 1,
    budget: { refuse: 1, redrive: 1, freeze: 1 },
  },
  {
    name: "refused verdict, reset and freeze",
    natures: ["flaky"],
    agents: 2,
    maxAttempts: 1,
    budget: { refuse: 1, reset: 1, freeze: 1 },
  },
  {
    name: "reset, lost answer and freeze",
    natures: ["flaky"],
    agents: 2,
    maxAttempts: 1,
    budget: { reset: 1, lose: 1, freeze: 1 },
  },
];

/** What the protocol does not promise: each of these breaks, as docs/protocol.md says. */
export const LIMITS: readonly Scenario[] = [
  { name: "edit between read and claim", natures: ["good"], agents: 1, maxAttempts: 1, budget: { edit: 1 } },
  {
    name: "reset that leaves _pull, then taken by another program",
    natures: ["good"],
    agents: 1,
    maxAttempts: 2,
    budget: { meddle: 1, take: 1 },
  },
];
