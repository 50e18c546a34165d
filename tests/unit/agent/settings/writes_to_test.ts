import { assertEquals, assertMatch } from "@std/assert";
import { loadSettings } from "../../../../agent/settings/load_settings.ts";

function load(writesTo: string) {
  const given: Record<string, string> = {
    MONGODB_URI: "mongodb://db",
    MONGODB_DATABASE: "shop",
    MONGODB_COLLECTION: "orders",
    WRITES_TO: writesTo,
  };
  return loadSettings((variable) => given[variable]);
}

Deno.test("WRITES_TO takes names of collections, with commas or blanks between them", () => {
  const read = (text: string) => load(text).values.writesTo;
  assertEquals(read("invoices, audit.log,  orders invoices"), ["invoices", "audit.log", "orders"]);
  assertEquals([read(""), read("None")], [undefined, []]);
});

for (
  const [text, message] of [
    ["a,system.users", /^WRITES_TO is "a,system.users": "system.users" must be a collection name: /],
    [" , ", /^WRITES_TO is ",": names no collection: write names, with commas between them, or none$/],
    ["a,orders_dead_letters", /^WRITES_TO names "orders_dead_letters", the collection of the dead letters, /],
    [
      "x".repeat(251),
      /^WRITES_TO has a collection that makes a name of 256 bytes: MongoDB takes at most 255 /,
    ],
  ] as const
) {
  Deno.test(`WRITES_TO refuses ${text.slice(0, 40)}, to which no processor may write`, () => {
    const { problems } = load(text);
    assertEquals(problems.length, 1);
    assertMatch(problems[0]!, message);
  });
}
