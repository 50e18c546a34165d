import { assertEquals } from "@std/assert";
import { every } from "../../../../agent/lib/every.ts";
import { ManualClock } from "../../../support/manual_clock.ts";

Deno.test("every() calls again and again, at first after the time itself, until it is ended, also by a call", async () => {
  const clock = new ManualClock();
  let ticks = 0;
  const end = every(clock, 100, () => {
    ticks += 1;
    if (ticks === 3) end();
  });
  assertEquals(ticks, 0);
  await clock.advance(99);
  assertEquals(ticks, 0);
  await clock.advance(1);
  assertEquals(ticks, 1);
  await clock.advance(1000);
  assertEquals(ticks, 3);
});
