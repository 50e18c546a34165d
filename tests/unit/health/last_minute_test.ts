import { assert, assertEquals } from "@std/assert";
import { Counters } from "../../../health/counters.ts";
import { LastMinute } from "../../../health/last_minute.ts";
import { ManualClock } from "../../support/manual_clock.ts";

Deno.test("LastMinute counts what the last minute has brought, and no more", () => {
  const clock = new ManualClock();
  const { values } = new Counters();
  const minute = new LastMinute(clock, values);
  const count = (processed: number) => {
    minute.mark();
    values.processed += processed;
  };
  assertEquals(minute.counts, { seconds: 1, processed: 0, retried: 0, dead_lettered: 0, snoozed: 0 });
  clock.skip(10_500);
  count(5);
  clock.skip(200);
  count(5);
  assertEquals([minute.counts.seconds, minute.counts.processed], [10, 10]);
  clock.skip(59_000);
  count(1);
  assertEquals([minute.counts.seconds, minute.counts.processed], [60, 11]);
  clock.skip(1_000);
  // The ten are more than a minute old.
  assertEquals(minute.counts.processed, 1);
  clock.skip(3_600_000);
  assertEquals(minute.counts.processed, 0);
  count(2);
  assertEquals(minute.counts.processed, 2);
});

Deno.test("LastMinute tells a steady rate within two hundredths, whenever it is asked", () => {
  const clock = new ManualClock();
  const { values } = new Counters();
  const minute = new LastMinute(clock, values);
  for (let tick = 0; tick < 30_000; tick++) {
    clock.skip(10);
    minute.mark();
    values.processed += 1;
    values.retried += 2;
    const { seconds, processed, retried } = minute.counts;
    if (tick < 6_000) continue;
    assertEquals(seconds, 60);
    assert(processed >= 5_880 && processed <= 6_000, `${processed} after ${tick}`);
    assertEquals(retried, 2 * processed);
  }
});
