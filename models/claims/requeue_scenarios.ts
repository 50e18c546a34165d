import type { Scenario } from "./scenario.ts";

/** Documents are requeued and canceled; holds with all rules, and takes seconds at most. */
export const SMALL_REQUEUES: readonly Scenario[] = [
  { name: "two requeues", natures: ["flaky"], agents: 2, maxAttempts: 1, budget: { requeue: 2 } },
  {
    name: "requeue and kill",
    natures: ["flaky"],
    agents: 2,
    maxAttempts: 1,
    budget: { requeue: 1, crash: 1 },
  },
  {
    name: "requeue and freeze",
    natures: ["flaky"],
    agents: 2,
    maxAttempts: 1,
    budget: { requeue: 1, freeze: 1 },
  },
  {
    name: "requeue and redrive",
    natures: ["bad"],
    agents: 1,
    maxAttempts: 1,
    budget: { requeue: 1, redrive: 1 },
  },
  {
    name: "cancel and requeue",
    natures: ["flaky"],
    agents: 2,
    maxAttempts: 1,
    budget: { cancel: 1, requeue: 1 },
  },
  {
    name: "cancel and lost answer",
    natures: ["flaky"],
    agents: 2,
    maxAttempts: 2,
    budget: { cancel: 1, lose: 1 },
  },
  {
    name: "refused verdict, cancel and requeue",
    natures: ["bad"],
    agents: 1,
    maxAttempts: 1,
    budget: { refuse: 1, cancel: 1, requeue: 1 },
  },
  {
    name: "writes, cancel, requeue and lost answer",
    natures: ["writing"],
    agents: 1,
    maxAttempts: 1,
    budget: { cancel: 1, requeue: 1, lose: 1 },
  },
  {
    name: "checkpoints, cancel and requeue",
    natures: ["saving"],
    agents: 1,
    maxAttempts: 1,
    budget: { cancel: 1, requeue: 1 },
  },
];

/** The same, and takes longer. */
export const LARGE_REQUEUES: readonly Scenario[] = [
  {
    name: "requeue, lost answer and freeze",
    natures: ["flaky"],
    agents: 2,
    maxAttempts: 1,
    budget: { requeue: 1, lose: 1, freeze: 1 },
  },
  {
    name: "refused verdict, requeue and freeze",
    natures: ["flaky"],
    agents: 2,
    maxAttempts: 1,
    budget: { refuse: 1, requeue: 1, freeze: 1 },
  },
  {
    name: "cancel, requeue, lost answer and freeze",
    natures: ["flaky"],
    agents: 2,
    maxAttempts: 1,
    budget: { cancel: 1, requeue: 1, lose: 1, freeze: 1 },
  },
];
