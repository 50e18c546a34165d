import { assertEquals, assertRejects } from "@std/assert";
import { Refusal } from "../../../../control/dashboard/refusal.ts";
import { Turns } from "../../../../control/dashboard/turns.ts";

Deno.test("Turns lets two run at a time, the others in their order, and refuses what is too much", async () => {
  const turns = new Turns({ atOnce: 2, waiting: 2, work: "look" });
  const begun: PromiseWithResolvers<number>[] = [];
  const work = () => (begun.push(Promise.withResolvers<number>()), begun.at(-1)!.promise);
  const all = [1, 2, 3, 4].map(() => turns.take(work));
  const { message } = await assertRejects(() => turns.take(work), Refusal);
  assertEquals([begun.length, message], [2, "Too many viewers look: retry in a moment"]);
  begun[0]!.reject(new Error("refused"));
  await assertRejects(() => all[0]!, Error, "refused");
  // One that comes just then does not overtake the one that waits.
  const late = turns.take(work);
  assertEquals(begun.length, 3);
  begun[1]!.resolve(1);
  begun[2]!.resolve(2);
  assertEquals(await Promise.all([all[1], all[2]]), [1, 2]);
  assertEquals(begun.length, 5);
  begun[3]!.resolve(3);
  begun[4]!.resolve(4);
  assertEquals(await Promise.all([all[3], late]), [3, 4]);
});
