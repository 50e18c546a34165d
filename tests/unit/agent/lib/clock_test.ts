import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { sleep, systemClock } from "../../../../agent/lib/clock.ts";
import { ManualClock, settled } from "../../../support/manual_clock.ts";

Deno.test("sleep() ends after its time", async () => {
  const clock = new ManualClock();
  let isOver = false;
  sleep(clock, 100).then(() => isOver = true);
  await clock.advance(99);
  assertEquals(isOver, false);
  await clock.advance(1);
  assertEquals(isOver, true);
});

Deno.test("sleep() ends early when its signal aborts, without throwing or leaving a timer", async () => {
  const clock = new ManualClock();
  await sleep(clock, 100, AbortSignal.abort());
  const controller = new AbortController();
  const slept = sleep(clock, 100, controller.signal);
  controller.abort(new Error("enough"));
  await slept;
  assertEquals(clock.pending, 0);
});

Deno.test("systemClock.after() calls back once its time has come", async () => {
  const startMs = systemClock.monotonicMs();
  await new Promise<void>((resolve) => systemClock.after(1, resolve));
  assertGreaterOrEqual(systemClock.monotonicMs(), startMs);
});

Deno.test("systemClock.after() can be cancelled", async () => {
  let fired = false;
  const cancel = systemClock.after(0, () => fired = true);
  cancel();
  await new Promise<void>((resolve) => systemClock.after(1, resolve));
  await settled();
  assertEquals(fired, false);
});
