import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { systemClock } from "../../../../agent/lib/clock.ts";
import { settled } from "../../../support/manual_clock.ts";

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
