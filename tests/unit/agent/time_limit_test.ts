import { assertEquals } from "@std/assert";
import { TimeLimit } from "../../../agent/time_limit.ts";
import { ManualClock } from "../../support/manual_clock.ts";

function limited() {
  const clock = new ManualClock();
  const limit = new TimeLimit(clock, 100);
  const exceeded: string[] = [];
  const start = (name: string) => {
    const run = { dueMs: 0, exceeded: () => exceeded.push(name) };
    limit.start(run);
    return () => limit.end(run);
  };
  return { clock, exceeded, start };
}

Deno.test("each run exceeds the limit by itself, when its own time has passed", async () => {
  const { clock, exceeded, start } = limited();
  start("first");
  await clock.advance(60);
  start("second");
  await clock.advance(39);
  assertEquals(exceeded, []);
  await clock.advance(1);
  assertEquals(exceeded, ["first"]);
  await clock.advance(59);
  assertEquals(exceeded, ["first"]);
  await clock.advance(1);
  assertEquals(exceeded, ["first", "second"]);
});

Deno.test("a run that is over exceeds nothing, and its end does not keep the others from it", async () => {
  const { clock, exceeded, start } = limited();
  const end = start("first");
  await clock.advance(50);
  start("second");
  end();
  await clock.advance(99);
  assertEquals(exceeded, []);
  await clock.advance(1);
  assertEquals(exceeded, ["second"]);
});

Deno.test("many runs take one timer, and none is left once all are over", async () => {
  const { clock, exceeded, start } = limited();
  const ends = ["a", "b", "c"].map(start);
  assertEquals(clock.pending, 1);
  for (const end of ends) end();
  assertEquals(clock.pending, 0);
  start("d");
  assertEquals(clock.pending, 1);
  await clock.advance(100);
  assertEquals(exceeded, ["d"]);
  assertEquals(clock.pending, 0);
});

Deno.test("a run that starts while another exceeds the limit has all of its time", async () => {
  const clock = new ManualClock();
  const limit = new TimeLimit(clock, 100);
  const exceeded: number[] = [];
  const second = { dueMs: 0, exceeded: () => exceeded.push(clock.monotonicMs()) };
  limit.start({ dueMs: 0, exceeded: () => limit.start(second) });
  const startMs = clock.monotonicMs();
  await clock.advance(1000);
  assertEquals(exceeded, [startMs + 200]);
});
