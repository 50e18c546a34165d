import {
  assertCostsNoLetter,
  assertHarmless,
  assertNamedOnce,
  assertRefusedOnLoad,
  HARMLESS,
  REMOVALS,
  REPLACEMENTS,
} from "../support/changed_builtins.ts";

const WORST = [
  "Array.prototype[Symbol(Symbol.iterator)]",
  "Map.prototype.get",
  "Promise.prototype.then",
  "Set.prototype.has",
];

for (const [name, code] of Object.entries(REMOVALS)) {
  Deno.test(`PROCESSOR: a module that takes ${name} away while it is loaded is refused in one sentence`, async () => {
    await assertRefusedOnLoad(name, code);
  });

  Deno.test(`PROCESSOR: a handler that takes ${name} away costs no document an attempt, and is named once`, async () => {
    await assertNamedOnce(name, code);
  });
}

for (const [name, code] of Object.entries(REPLACEMENTS)) {
  Deno.test(`PROCESSOR: a handler that breaks ${name} costs no document an attempt, and is named once`, async () => {
    await assertNamedOnce(name, code);
  });
}

for (const code of HARMLESS) {
  Deno.test(`PROCESSOR: a handler may say "${code}": the agent has its own`, async () => {
    await assertHarmless(code);
  });
}

for (const name of WORST) {
  Deno.test(`PROCESSOR: a handler that takes ${name} away in the midst of its work makes no document a dead letter`, async () => {
    await assertCostsNoLetter(REMOVALS[name]!);
  });
}
