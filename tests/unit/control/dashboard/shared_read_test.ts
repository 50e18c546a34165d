import { assertEquals } from "@std/assert";
import { SharedRead } from "../../../../control/dashboard/shared_read.ts";
import { ManualClock } from "../../../support/manual_clock.ts";

Deno.test("SharedRead tells for how long a read has no answer, also if it was forgotten meanwhile, and reads anew then", async () => {
  const clock = new ManualClock();
  const asked: PromiseWithResolvers<number>[] = [];
  const read = () => (asked.push(Promise.withResolvers<number>()), asked.at(-1)!.promise);
  const shared = new SharedRead({ clock, freshMs: 5000, patienceMs: 2000, read, explain: String });
  const first = shared.look();
  shared.forget();
  await clock.advance(2000);
  assertEquals((await first).trouble, "MongoDB has not answered for 2 s");
  asked[0]!.resolve(1);
  await clock.advance(0);
  const second = shared.look();
  assertEquals(asked.length, 2);
  asked[1]!.resolve(2);
  assertEquals(await second, { value: 2, ageMs: 0, trouble: undefined });
});
