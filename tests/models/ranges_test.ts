import { assert, assertEquals, assertExists } from "@std/assert";
import { explore } from "../../models/explorer.ts";
import { Ranges } from "../../models/ranges/ranges.ts";
import { RANGE_RULE_NAMES, RANGE_RULES } from "../../models/ranges/rules.ts";
import { RANGE_COUNTEREXAMPLES, RANGE_LIMITS, SMALL_RANGES } from "../../models/ranges/scenarios.ts";

for (const name of RANGE_RULE_NAMES) {
  Deno.test(`Range claims: rule ${RANGE_RULES[name].number} (${name}): holds with it and breaks without it`, () => {
    const scenario = RANGE_COUNTEREXAMPLES[name];
    const kept = explore(new Ranges(scenario));
    assertEquals([kept.problem, ...kept.trace], [undefined]);
    assert(kept.isComplete);
    assertExists(explore(new Ranges({ ...scenario, without: name })).problem);
  });
}

for (const scenario of SMALL_RANGES) {
  Deno.test(`Range claims: ${scenario.name}: no state breaks a property, and each can still settle`, () => {
    const { problem, trace, isComplete } = explore(new Ranges(scenario));
    assertEquals([problem, ...trace], [undefined]);
    assert(isComplete);
  });
}

for (const limit of RANGE_LIMITS) {
  Deno.test(`Range claims: limit: ${limit.name}`, () => assertExists(explore(new Ranges(limit)).problem));
}
