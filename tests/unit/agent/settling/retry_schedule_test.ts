import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { RetrySchedule } from "../../../../agent/settling/retry_schedule.ts";
import { ManualClock } from "../../../support/manual_clock.ts";
import { integerFrom, testRandom } from "../../../support/random.ts";

/** How late a retry may be: a tenth of a second, or a small part of its delay. */
const lateMs = (delayMs: number) => Math.max(100, delayMs / 64) + 1e-6;

/** A schedule and the times at which it woke the loop. */
function setUp(startMs = 1000, { untilEmpty = false } = {}) {
  const clock = new ManualClock(startMs);
  const woken: number[] = [];
  const wakeup = { wake: () => void woken.push(clock.monotonicMs()) };
  const schedule = new RetrySchedule({ clock, wakeup, untilEmpty });
  return { clock, schedule, woken };
}

Deno.test("RetrySchedule wakes when a retry is due, never before, and only a little late", async () => {
  const random = testRandom(4);
  for (let run = 0; run < 200; run++) {
    const { clock, schedule, woken } = setUp(random() * 10_000);
    const delayMs = random() * 20_000;
    const dueMs = clock.monotonicMs() + delayMs;
    schedule.add(delayMs);
    await clock.advance(30_000);
    assertEquals(woken.length, 1);
    assert(woken[0]! >= dueMs - 1e-6, `woken ${dueMs - woken[0]!} ms early`);
    assertLessOrEqual(woken[0]!, dueMs + lateMs(delayMs));
  }
});

Deno.test("RetrySchedule wakes for each of many retries, in any order of adding", async () => {
  const random = testRandom(5);
  const { clock, schedule, woken } = setUp();
  const dueMs = Array.from({ length: 200 }, () => integerFrom(random, 0, 60_000));
  for (const due of dueMs) schedule.add(due);
  await clock.advance(70_000);
  for (const due of dueMs) {
    assert(woken.some((at) => at >= 1000 + due && at <= 1000 + due + lateMs(due)), `none woke for ${due}`);
  }
});

Deno.test("RetrySchedule wakes once for retries that are due together", async () => {
  const { clock, schedule, woken } = setUp();
  for (let count = 0; count < 1000; count++) schedule.add(5000 - count % 50);
  await clock.advance(10_000);
  assertEquals(woken.length, 1);
});

Deno.test("RetrySchedule keeps one timer, for the earliest retry", async () => {
  const { clock, schedule, woken } = setUp();
  schedule.add(9000);
  schedule.add(500);
  schedule.add(5000);
  assertEquals(clock.pending, 1);
  await clock.advance(500);
  assertEquals(woken.length, 1);
  assertEquals(clock.pending, 1);
});

Deno.test("RetrySchedule waits for a retry further away than a timer can count", async () => {
  const { clock, schedule, woken } = setUp(0);
  const yearMs = 365 * 24 * 3600 * 1000;
  schedule.add(yearMs);
  assertLessOrEqual(clock.nextInMs!, 2 ** 31 - 1);
  await clock.advance(yearMs - 1);
  assertEquals(woken, []);
  await clock.advance(lateMs(yearMs));
  assertEquals(woken.length, 1);
});

Deno.test("RetrySchedule wakes at once for a retry that is due already", async () => {
  const { clock, schedule, woken } = setUp();
  schedule.add(0);
  await clock.advance(0);
  assertEquals(woken, [1000]);
});

Deno.test("RetrySchedule.stop() forgets everything", async () => {
  const { clock, schedule, woken } = setUp();
  schedule.add(100);
  schedule.add(5000);
  schedule.stop();
  assertEquals(clock.pending, 0);
  schedule.add(200);
  await clock.advance(10_000);
  assertEquals(woken, []);
});

Deno.test("RetrySchedule of an agent that ends when nothing is left wakes twice for each, as clocks differ", async () => {
  const { clock, schedule, woken } = setUp(0, { untilEmpty: true });
  schedule.add(1000);
  await clock.advance(10_000);
  schedule.addReleased();
  await clock.advance(10_000);
  assertEquals(woken, [1000, 1500, 10_000, 10_500]);
});

Deno.test("RetrySchedule leaves released documents to the next poll, if the agent is not to end", async () => {
  const { clock, schedule, woken } = setUp();
  schedule.addReleased();
  await clock.advance(10_000);
  assertEquals([woken, schedule.isEmpty], [[], true]);
});
