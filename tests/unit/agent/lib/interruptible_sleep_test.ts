import { assertEquals } from "@std/assert";
import { InterruptibleSleep } from "../../../../agent/lib/interruptible_sleep.ts";
import { ManualClock, settled } from "../../../support/manual_clock.ts";

function setUp() {
  const clock = new ManualClock();
  const wakeup = new InterruptibleSleep(clock);
  const ended: number[] = [];
  const sleep = (ms: number, signal?: AbortSignal) =>
    wakeup.sleep(ms, signal).then(() => ended.push(clock.monotonicMs()));
  return { clock, wakeup, sleep, ended };
}

Deno.test("InterruptibleSleep.sleep() takes its time", async () => {
  const { clock, ended, sleep } = setUp();
  sleep(500);
  await clock.advance(499);
  assertEquals(ended, []);
  await clock.advance(1);
  assertEquals(ended, [1500]);
});

Deno.test("InterruptibleSleep.wake() ends the sleep in progress and leaves no timer", async () => {
  const { clock, ended, sleep, wakeup } = setUp();
  sleep(500);
  await clock.advance(100);
  wakeup.wake();
  await settled();
  assertEquals(ended, [1100]);
  assertEquals(clock.pending, 0);
});

Deno.test("InterruptibleSleep.wake() before a sleep is not lost, and counts for one sleep only", async () => {
  const { clock, ended, sleep, wakeup } = setUp();
  wakeup.wake();
  wakeup.wake();
  sleep(500);
  await settled();
  assertEquals(ended, [1000]);
  sleep(500);
  await clock.advance(499);
  assertEquals(ended.length, 1);
  await clock.advance(1);
  assertEquals(ended, [1000, 1500]);
});

Deno.test("InterruptibleSleep.forget() takes back a wake-up before a sleep, and no later one", async () => {
  const { clock, ended, sleep, wakeup } = setUp();
  wakeup.wake();
  wakeup.forget();
  sleep(500);
  await clock.advance(499);
  assertEquals(ended, []);
  wakeup.forget();
  wakeup.wake();
  await settled();
  assertEquals(ended, [1499]);
});

Deno.test("InterruptibleSleep.wake() during a sleep does not shorten the next one as well", async () => {
  const { clock, ended, sleep, wakeup } = setUp();
  sleep(500);
  wakeup.wake();
  await settled();
  sleep(500);
  await clock.advance(499);
  assertEquals(ended.length, 1);
  await clock.advance(1);
  assertEquals(ended.length, 2);
});

Deno.test("InterruptibleSleep.sleep() ends when its signal aborts, before or meanwhile", async () => {
  const { clock, ended, sleep } = setUp();
  await sleep(500, AbortSignal.abort());
  const controller = new AbortController();
  sleep(500, controller.signal);
  await clock.advance(200);
  controller.abort();
  await settled();
  assertEquals(ended, [1000, 1200]);
  assertEquals(clock.pending, 0);
});

Deno.test("InterruptibleSleep.sleep() of no time at all ends at once, of infinite time only when it is woken", async () => {
  const { clock, ended, sleep, wakeup } = setUp();
  await sleep(0);
  sleep(Infinity);
  await clock.advance(1e9);
  assertEquals(ended.length, 1);
  wakeup.wake();
  await settled();
  assertEquals(ended.length, 2);
});
