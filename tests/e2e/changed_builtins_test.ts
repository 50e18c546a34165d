import {
  assertCostsNoLetter,
  assertHarmless,
  assertNamedOnce,
  assertRefusedOnLoad,
  HARMLESS,
  REMOVALS,
} from "../support/changed_builtins.ts";

/** Two of many, one of which breaks nearly everything; tests/thorough has all. */
const SOME = ["Date", "Promise.prototype.then"];

for (const name of SOME) {
  Deno.test(`PROCESSOR: a module that takes ${name} away while it is loaded is refused in one sentence`, async () => {
    await assertRefusedOnLoad(name, REMOVALS[name]!);
  });

  Deno.test(`PROCESSOR: a handler that takes ${name} away costs no document an attempt, and is named once`, async () => {
    await assertNamedOnce(name, REMOVALS[name]!);
  });
}

Deno.test("PROCESSOR: a handler that takes Promise.prototype.then away in the midst of its work makes no document a dead letter", async () => {
  await assertCostsNoLetter(REMOVALS["Promise.prototype.then"]!);
});

Deno.test(`PROCESSOR: a handler may say "${HARMLESS[0]}": the agent has its own`, async () => {
  await assertHarmless(HARMLESS[0]!);
});
