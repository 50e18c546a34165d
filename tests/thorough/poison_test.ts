import { assertPoisonDies, BLOCKED, CRASHES, type PoisonCase } from "../support/poison.ts";

const CASES: readonly (PoisonCase & { what: string })[] = [
  {
    what: "exhausts the heap by many arrays",
    maxAttempts: 1,
    poison: "const all = []; for (;;) all.push(new Array(100_000).fill(all.length + 0.5));",
  },
  // As the kernel does when the memory of a container is exhausted.
  ...[2, 3].map((maxAttempts): PoisonCase & { what: string } => ({
    what: "has its process killed",
    maxAttempts,
    poison: BLOCKED,
    whilePoisonRuns: (agent) => agent.kill9(),
  })),
  {
    // One value: V8 takes a second to give up over it.
    what: "exhausts the heap by one array",
    maxAttempts: 5,
    poison: "Array.from({ length: 2 ** 25 }, (_, n) => n + 0.5);",
  },
];

for (const { what, ...poisonCase } of CASES) {
  const title =
    `Suspects: a document that ${what} is a dead letter after ${CRASHES} crashes, with MAX_ATTEMPTS ${poisonCase.maxAttempts}, and its neighbours are processed`;
  Deno.test(title, () => assertPoisonDies({ ...poisonCase, env: { LEASE_DURATION: "30" } }));
}
