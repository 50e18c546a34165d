import { assertEquals, assertMatch } from "@std/assert";
import { loadSettings } from "../../../../agent/settings/load_settings.ts";
import { formatRate } from "../../../../agent/settings/rate.ts";

const REQUIRED = { MONGODB_URI: "mongodb://db", MONGODB_DATABASE: "shop", MONGODB_COLLECTION: "orders" };

function load(given: Record<string, string>) {
  const env: Record<string, string> = { ...REQUIRED, PROCESSOR: "log", ...given };
  return loadSettings((name) => env[name]);
}

for (
  const [text, shown, perSecond] of [
    ["100", "100/s", 100],
    ["100/s", "100/s", 100],
    ["6000/m", "6000/m", 100],
    [" 6000 / m ", "6000/m", 100],
    ["3/h", "3/h", 3 / 3600],
    ["0.5", "0.5/s", 0.5],
    [".5/s", "0.5/s", 0.5],
    ["1/d", "1/d", 1 / 86_400],
    ["1000000", "1000000/s", 1_000_000],
  ] as const
) {
  Deno.test(`RATE_LIMIT takes "${text}" for ${shown}`, () => {
    const { problems, values: { rateLimit } } = load({ RATE_LIMIT: text });
    assertEquals(problems, []);
    assertEquals(formatRate(rateLimit!), shown);
    assertEquals(1000 * rateLimit!.documents / rateLimit!.perMs, perSecond);
    assertEquals(load({ RATE_LIMIT: shown }).values.rateLimit, rateLimit);
  });
}

for (
  const text of [
    "-1",
    "fast",
    "100/",
    "100/sec",
    "100/10s",
    "1e3",
    "1,000",
    "100 s",
    "0.5/d",
    "2000000",
    "Infinity",
    "/s",
  ]
) {
  Deno.test(`RATE_LIMIT refuses "${text}" and tells how to write a rate`, () => {
    const [problem] = load({ RATE_LIMIT: text }).problems;
    assertMatch(problem!, /^RATE_LIMIT is ".*": must be a rate from 1\/d to 1000000\/s, as 100 or 100\/s /);
  });
}

Deno.test("RATE_LIMIT refuses 0, which may mean no limit or no document at all", () => {
  for (const text of ["0", "0/s", "0.0/h"]) {
    const [problem] = load({ RATE_LIMIT: text }).problems;
    assertMatch(problem!, /may mean no limit, or no document at all: .* leave it out, .* pause the agent$/);
  }
});

Deno.test("RATE_LIMIT that is not set or empty is no limit", () => {
  for (const given of [{}, { RATE_LIMIT: "" }, { RATE_LIMIT: "  " }]) {
    const { problems, values: { rateLimit, rateLimitScope }, warnings } = load(given);
    assertEquals([problems, warnings, rateLimit, rateLimitScope], [[], [], undefined, "agent"]);
  }
});

Deno.test("RATE_LIMIT_SCOPE without RATE_LIMIT does nothing, and a warning tells so", () => {
  const { warnings } = load({ RATE_LIMIT_SCOPE: "fleet" });
  assertEquals(warnings, [
    "RATE_LIMIT_SCOPE is set, and does nothing without RATE_LIMIT: set RATE_LIMIT, or leave it out",
  ]);
});

Deno.test("RATE_LIMIT_SCOPE of the fleet needs a collection that has no other use, and whose name fits", () => {
  const fleet = { RATE_LIMIT: "5", RATE_LIMIT_SCOPE: "fleet" };
  for (
    const [given, problem] of [
      [{ DEAD_LETTER_COLLECTION: "orders_agents" }, /^DEAD_LETTER_COLLECTION is "orders_agents", in which /],
      [{ WRITES_TO: "a,orders_agents" }, /^WRITES_TO names "orders_agents", in which .*: leave it out$/],
      [
        { MONGODB_COLLECTION: "o".repeat(245), DEAD_LETTER_COLLECTION: "letters" },
        /^RATE_LIMIT_SCOPE=fleet makes a name of 257 bytes for the collection of the agents, /,
      ],
    ] as const
  ) {
    const { problems } = load({ ...given, ...fleet });
    assertEquals(problems.length, 1);
    assertMatch(problems[0]!, problem);
    assertEquals(load(given).problems, []);
  }
});
