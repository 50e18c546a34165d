import { assert, assertEquals } from "@std/assert";
import { RULE_NAMES } from "../../models/claims/rules.ts";
import { MUTATIONS } from "../../scripts/mutations/mutations.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

Deno.test("MUTATIONS break each rule of the protocol, and each has something that catches it", () => {
  assertEquals(Object.keys(MUTATIONS).toSorted(), [...RULE_NAMES].toSorted());
  for (const [name, { caughtBy }] of Object.entries(MUTATIONS)) assert(caughtBy.length > 0, name);
});

Deno.test("MUTATIONS find each piece that they replace once", async () => {
  for (const [name, { edits }] of Object.entries(MUTATIONS)) {
    for (const { file, find, replace } of edits) {
      const text = await Deno.readTextFile(`${ROOT}${file}`);
      assertEquals(
        text.split(find).length - 1,
        1,
        `${name}: mend scripts/mutations, ${file} holds no single ${find}`,
      );
      assert(find !== replace, name);
    }
  }
});

Deno.test("MUTATIONS name tests that are there", async () => {
  for (const [name, { caughtBy }] of Object.entries(MUTATIONS)) {
    for (const { file, test } of caughtBy) {
      const text = await Deno.readTextFile(`${ROOT}${file}`);
      assert(text.includes(test), `${name}: mend scripts/mutations, ${file} has no test "${test}"`);
    }
  }
});
