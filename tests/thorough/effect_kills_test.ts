import { assert } from "@std/assert";
import { killAtRandom } from "../support/effect_kills.ts";

Deno.test("Effect writes are made exactly once for each of 20,000 documents while four replicas are killed at random", async () => {
  const { kills, aborted, blamed } = await killAtRandom(20_000, 80);
  console.log(`${kills} kills, ${aborted} aborted transactions, ${blamed} documents blamed`);
  assert(kills >= 20, `only ${kills} kills`);
  assert(aborted > 0, "no kill hit a transaction");
});
