import { assert, assertEquals, assertExists } from "@std/assert";
import { Claims } from "../../models/claims/claims.ts";
import { numberOf, RULE_NAMES } from "../../models/claims/rules.ts";
import { COUNTEREXAMPLES, LIMITS, SMALL } from "../../models/claims/scenarios.ts";
import { explore } from "../../models/explorer.ts";

for (const name of RULE_NAMES) {
  Deno.test(`Claim protocol: rule ${numberOf(name)} (${name}): holds with it and breaks without it`, () => {
    const scenario = COUNTEREXAMPLES[name];
    const kept = explore(new Claims(scenario));
    assertEquals([kept.problem, ...kept.trace], [undefined]);
    assert(kept.isComplete);
    assertExists(explore(new Claims({ ...scenario, without: name })).problem);
  });
}

for (const scenario of SMALL) {
  Deno.test(`Claim protocol: ${scenario.name}: no state breaks a property, and each can still settle`, () => {
    const { problem, trace, isComplete } = explore(new Claims(scenario));
    assertEquals([problem, ...trace], [undefined]);
    assert(isComplete);
  });
}

for (const limit of LIMITS) {
  Deno.test(`Claim protocol: limit: ${limit.name}`, () => assertExists(explore(new Claims(limit)).problem));
}
