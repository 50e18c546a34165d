import { assert, assertEquals } from "@std/assert";
import { numberOf, RULE_NAMES } from "../../models/claims/rules.ts";
import { RANGE_RULES } from "../../models/ranges/rules.ts";
import { BROKEN_RULES } from "../../scripts/mutations/mutations.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

Deno.test("BROKEN_RULES are all that the program has", () => {
  const ranges = Object.values(RANGE_RULES).filter(({ code }) => code.length > 0);
  const numbers = [
    ...RULE_NAMES.map((name) => String(numberOf(name))),
    ...ranges.map(({ number }) => number),
  ];
  assertEquals(BROKEN_RULES.map(({ number }) => number), numbers);
});

Deno.test("BROKEN_RULES have something that catches each, and numbers of their own", () => {
  for (const { name, mutation } of BROKEN_RULES) assert(mutation.caughtBy.length > 0, name);
  const numbers = BROKEN_RULES.map(({ number }) => number);
  assertEquals(numbers.length, new Set(numbers).size);
});

Deno.test("BROKEN_RULES find each piece that they replace once", async () => {
  for (const { number, mutation: { edits } } of BROKEN_RULES) {
    for (const { file, find, replace } of edits) {
      const text = await Deno.readTextFile(`${ROOT}${file}`);
      assertEquals(
        text.split(find).length - 1,
        1,
        `Rule ${number}: mend scripts/mutations, ${file} holds no single ${find}`,
      );
      assert(find !== replace, number);
    }
  }
});

Deno.test("BROKEN_RULES name tests that are there", async () => {
  for (const { number, mutation: { caughtBy } } of BROKEN_RULES) {
    for (const { file, test } of caughtBy) {
      const text = await Deno.readTextFile(`${ROOT}${file}`);
      assert(text.includes(test), `Rule ${number}: mend scripts/mutations, ${file} has no test "${test}"`);
    }
  }
});
