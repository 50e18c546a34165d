import { assertEquals } from "@std/assert";
import type { AgentEvent, Stage } from "../../../agent/events.ts";
import { StuckDetector } from "../../../health/stuck_detector.ts";
import { ManualClock } from "../../support/manual_clock.ts";

const RETRY_GRACE_MS = 60_000;

function setUp() {
  const clock = new ManualClock(0);
  const monitor = new StuckDetector(clock);
  const enter = (stage: Stage, forMs: number) =>
    monitor.observe({ type: "progress", stage, deadlineMs: clock.monotonicMs() + forMs });
  return { clock, monitor, enter };
}

const SETTLE_FAILED: AgentEvent = {
  type: "settle_failed",
  kind: "ack",
  documents: 1,
  error: "no primary",
  retryInMs: 100,
};

Deno.test("StuckDetector calls nothing stuck before the loop has started", () => {
  const { clock, monitor } = setUp();
  clock.skip(1e9);
  assertEquals([monitor.stage, monitor.isStuck], [undefined, false]);
});

Deno.test("StuckDetector calls a stage stuck once its deadline has passed, not before", () => {
  const { clock, enter, monitor } = setUp();
  enter("claiming", 1000);
  clock.skip(1000);
  assertEquals([monitor.stage, monitor.isStuck], ["claiming", false]);
  clock.skip(1);
  assertEquals(monitor.isStuck, true);
});

Deno.test("StuckDetector takes the next stage for progress, even after it was stuck", () => {
  const { clock, enter, monitor } = setUp();
  enter("claiming", 10);
  clock.skip(11);
  assertEquals(monitor.isStuck, true);
  enter("idle", 5000);
  assertEquals([monitor.stage, monitor.isStuck], ["idle", false]);
});

Deno.test("StuckDetector never calls a stage without a deadline stuck", () => {
  const { clock, enter, monitor } = setUp();
  enter("paused", Infinity);
  clock.skip(1e12);
  assertEquals(monitor.isStuck, false);
});

Deno.test("StuckDetector gives a full loop time while a write is retried", () => {
  const { clock, enter, monitor } = setUp();
  enter("full", 1000);
  for (let failure = 0; failure < 100; failure++) {
    clock.skip(3000);
    monitor.observe(SETTLE_FAILED);
    assertEquals(monitor.isStuck, false);
  }
  clock.skip(RETRY_GRACE_MS + 1);
  assertEquals(monitor.isStuck, true, "but not for ever once nobody tries any more");
});

Deno.test("StuckDetector does not shorten a deadline for a failed write, nor lengthen one of another stage", () => {
  const { clock, enter, monitor } = setUp();
  enter("full", 2 * RETRY_GRACE_MS);
  monitor.observe(SETTLE_FAILED);
  clock.skip(2 * RETRY_GRACE_MS);
  assertEquals(monitor.isStuck, false);
  enter("claiming", 1000);
  monitor.observe(SETTLE_FAILED);
  clock.skip(1001);
  assertEquals(monitor.isStuck, true);
});

Deno.test("StuckDetector gives a drain one deadline for all that the loop may still do", () => {
  const { clock, enter, monitor } = setUp();
  enter("draining", 1000);
  enter("claiming", 1e6);
  enter("idle", 1e6);
  clock.skip(1001);
  assertEquals([monitor.stage, monitor.isStuck], ["draining", true]);
});
