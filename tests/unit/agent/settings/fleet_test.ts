import { assertEquals, assertMatch } from "@std/assert";
import { loadSettings } from "../../../../agent/settings/load_settings.ts";

const REQUIRED = { MONGODB_URI: "mongodb://db", MONGODB_DATABASE: "shop", MONGODB_COLLECTION: "orders" };

function saidOf(given: Record<string, string>) {
  const env: Record<string, string> = { ...REQUIRED, PROCESSOR: "log", ...given };
  return loadSettings((name) => env[name]);
}

Deno.test("FLEET that is asked for needs a collection that has no other use, and whose name fits", () => {
  const cases: [values: Record<string, string>, said: RegExp][] = [
    [
      { DEAD_LETTER_COLLECTION: "orders_agents" },
      /^DEAD_LETTER_COLLECTION is "orders_agents", in which the agents of FLEET=on /,
    ],
    [{ WRITES_TO: "orders_agents" }, /^WRITES_TO names "orders_agents", .*: leave it out$/],
    [
      { MONGODB_COLLECTION: "c".repeat(244), MONGODB_DATABASE: "shop", DEAD_LETTER_COLLECTION: "letters" },
      /^FLEET=on makes a name of 256 bytes .*, or leave FLEET out$/,
    ],
  ];
  for (const [values, said] of cases) {
    const asked = saidOf({ ...values, FLEET: "on" });
    assertEquals([asked.problems.length, asked.warnings.length], [1, 0]);
    assertMatch(asked.problems[0]!, said);
    // By default, an agent that has worked without a fleet goes on without.
    const byDefault = saidOf(values);
    assertEquals([byDefault.problems, byDefault.warnings.length, byDefault.values.fleet], [[], 1, "off"]);
    assertMatch(byDefault.warnings[0]!, /^The agent goes without a fleet, as with FLEET=off: /);
    assertEquals(saidOf({ ...values, FLEET: "off" }).warnings, []);
  }
});
