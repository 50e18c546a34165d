import { assertEquals } from "@std/assert";
import { Wakeup } from "../../../agent/wakeup.ts";
import { ManualClock, settled } from "../../support/manual_clock.ts";

function setUp() {
  const clock = new ManualClock();
  const wakeup = new Wakeup(clock);
  const ended: number[] = [];
  const nap = (ms: number, signal?: AbortSignal) =>
    wakeup.nap(ms, signal).then(() => ended.push(clock.monotonicMs()));
  return { clock, wakeup, nap, ended };
}

Deno.test("Wakeup.nap() takes its time", async () => {
  const { clock, ended, nap } = setUp();
  nap(500);
  await clock.advance(499);
  assertEquals(ended, []);
  await clock.advance(1);
  assertEquals(ended, [1500]);
});

Deno.test("Wakeup.wake() ends the nap in progress and leaves no timer", async () => {
  const { clock, ended, nap, wakeup } = setUp();
  nap(500);
  await clock.advance(100);
  wakeup.wake();
  await settled();
  assertEquals(ended, [1100]);
  assertEquals(clock.pending, 0);
});

Deno.test("Wakeup.wake() before a nap is not lost, and counts for one nap only", async () => {
  const { clock, ended, nap, wakeup } = setUp();
  wakeup.wake();
  wakeup.wake();
  nap(500);
  await settled();
  assertEquals(ended, [1000]);
  nap(500);
  await clock.advance(499);
  assertEquals(ended.length, 1);
  await clock.advance(1);
  assertEquals(ended, [1000, 1500]);
});

Deno.test("Wakeup.wake() during a nap does not shorten the next one as well", async () => {
  const { clock, ended, nap, wakeup } = setUp();
  nap(500);
  wakeup.wake();
  await settled();
  nap(500);
  await clock.advance(499);
  assertEquals(ended.length, 1);
  await clock.advance(1);
  assertEquals(ended.length, 2);
});

Deno.test("Wakeup.nap() ends when its signal aborts, before or meanwhile", async () => {
  const { clock, ended, nap } = setUp();
  await nap(500, AbortSignal.abort());
  const controller = new AbortController();
  nap(500, controller.signal);
  await clock.advance(200);
  controller.abort();
  await settled();
  assertEquals(ended, [1000, 1200]);
  assertEquals(clock.pending, 0);
});

Deno.test("Wakeup.nap() of no time at all ends at once, of infinite time only when it is woken", async () => {
  const { clock, ended, nap, wakeup } = setUp();
  await nap(0);
  nap(Infinity);
  await clock.advance(1e9);
  assertEquals(ended.length, 1);
  wakeup.wake();
  await settled();
  assertEquals(ended.length, 2);
});
