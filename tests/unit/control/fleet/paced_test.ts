import { assertEquals, assertRejects } from "@std/assert";
import { Paced } from "../../../../control/fleet/paced.ts";
import { ManualClock } from "../../../support/manual_clock.ts";

Deno.test("Paced keeps an answer for a time, and for twenty times as long as it took; those who ask meanwhile share it", async () => {
  const clock = new ManualClock();
  const asked: PromiseWithResolvers<number>[] = [];
  const paced = new Paced(
    () => (asked.push(Promise.withResolvers<number>()), asked.at(-1)!.promise),
    clock,
    1000,
  );
  const both = Promise.all([paced.get(), paced.get()]);
  clock.skip(10);
  asked[0]!.resolve(1);
  assertEquals(await both, [1, 1]);
  clock.skip(999);
  assertEquals(await paced.get(), 1);
  clock.skip(1);
  const second = paced.get();
  clock.skip(300);
  asked[1]!.resolve(2);
  assertEquals(await second, 2);
  clock.skip(5999);
  assertEquals([await paced.get(), asked.length], [2, 2]);
  clock.skip(1);
  const third = paced.get();
  asked[2]!.reject(new Error("refused"));
  await assertRejects(() => third, Error, "refused");
  const fourth = paced.get();
  asked[3]!.resolve(4);
  assertEquals(await fourth, 4);
});

Deno.test("Paced: what was changed is asked anew, and an answer of before is not kept", async () => {
  const asked: PromiseWithResolvers<number>[] = [];
  const ask = () => (asked.push(Promise.withResolvers<number>()), asked.at(-1)!.promise);
  const paced = new Paced(ask, new ManualClock(), 1000);
  const before = paced.get();
  paced.forget();
  const after = paced.get();
  asked[1]!.resolve(2);
  assertEquals(await after, 2);
  asked[0]!.resolve(1);
  assertEquals([await before, await paced.get()], [1, 2]);
  paced.forget();
  const again = paced.get();
  asked[2]!.resolve(3);
  assertEquals([await again, asked.length], [3, 3]);
});
