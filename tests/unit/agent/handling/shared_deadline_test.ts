import { assertEquals } from "@std/assert";
import { SharedDeadline } from "../../../../agent/handling/shared_deadline.ts";
import { ManualClock } from "../../../support/manual_clock.ts";

function limited() {
  const clock = new ManualClock();
  const limit = new SharedDeadline(clock, 100);
  const timedOut: string[] = [];
  const start = (name: string) => {
    const run = { dueMs: 0, timedOut: () => timedOut.push(name) };
    limit.start(run);
    return () => limit.end(run);
  };
  return { clock, timedOut, start };
}

Deno.test("SharedDeadline: each run exceeds the limit by itself, when its own time has passed", async () => {
  const { clock, timedOut, start } = limited();
  start("first");
  await clock.advance(60);
  start("second");
  await clock.advance(39);
  assertEquals(timedOut, []);
  await clock.advance(1);
  assertEquals(timedOut, ["first"]);
  await clock.advance(59);
  assertEquals(timedOut, ["first"]);
  await clock.advance(1);
  assertEquals(timedOut, ["first", "second"]);
});

Deno.test("SharedDeadline: a run that is over exceeds nothing, and its end does not keep the others from it", async () => {
  const { clock, timedOut, start } = limited();
  const end = start("first");
  await clock.advance(50);
  start("second");
  end();
  await clock.advance(99);
  assertEquals(timedOut, []);
  await clock.advance(1);
  assertEquals(timedOut, ["second"]);
});

Deno.test("SharedDeadline: many runs take one timer, and none is left once all are over", async () => {
  const { clock, timedOut, start } = limited();
  const ends = ["a", "b", "c"].map(start);
  assertEquals(clock.pending, 1);
  for (const end of ends) end();
  assertEquals(clock.pending, 0);
  start("d");
  assertEquals(clock.pending, 1);
  await clock.advance(100);
  assertEquals(timedOut, ["d"]);
  assertEquals(clock.pending, 0);
});

Deno.test("SharedDeadline: a run that starts while another exceeds the limit has all of its time", async () => {
  const clock = new ManualClock();
  const limit = new SharedDeadline(clock, 100);
  const timedOut: number[] = [];
  const second = { dueMs: 0, timedOut: () => timedOut.push(clock.monotonicMs()) };
  limit.start({ dueMs: 0, timedOut: () => limit.start(second) });
  const startMs = clock.monotonicMs();
  await clock.advance(1000);
  assertEquals(timedOut, [startMs + 200]);
});
