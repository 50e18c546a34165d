import { assert, assertEquals } from "@std/assert";
import { Pace } from "../../../../control/changes/pace.ts";
import { ManualClock, settled } from "../../../support/manual_clock.ts";

/** Times at which items were done, in milliseconds. */
async function timesOf(perSecond: number | undefined, count: number, atOnce = 20): Promise<number[]> {
  const clock = new ManualClock();
  const pace = new Pace({ clock, perSecond, atOnce });
  const started = clock.monotonicMs();
  const times: number[] = [];
  const work = (async () => {
    while (times.length < count) {
      await pace.next(pace.step);
      for (let each = 0; each < pace.step; each++) times.push(clock.monotonicMs() - started);
    }
  })();
  for (let ms = 0; ms < 20_000 && times.length < count; ms++) await clock.advance(1);
  await work;
  return times;
}

for (const perSecond of [1, 7, 100, 5000]) {
  Deno.test(`Pace of ${perSecond} items a second: no second has more, give or take a step, and none is lost`, async () => {
    const count = perSecond * 3;
    const times = await timesOf(perSecond, count);
    const step = Math.max(1, Math.min(20, Math.floor(perSecond / 10)));
    for (let from = 0; from < 3000; from += 100) {
      const inSecond = times.filter((ms) => ms >= from && ms < from + 1000).length;
      assert(inSecond <= perSecond + step, `${inSecond} from ${from} ms`);
    }
    assert(times.at(-1)! <= 3000);
  });
}

Deno.test("Pace without a limit waits for nothing", async () => {
  assertEquals(new Set(await timesOf(undefined, 100)), new Set([0]));
});

Deno.test("Pace does not make up for time in which there was nothing to do, and a signal ends its wait", async () => {
  const clock = new ManualClock();
  const stop = new AbortController();
  const pace = new Pace({ clock, perSecond: 1, atOnce: 20, signal: stop.signal });
  await clock.advance(60_000);
  await pace.next(1);
  let isDone = false;
  pace.next(1).then(() => isDone = true);
  await clock.advance(999);
  assertEquals(isDone, false);
  await clock.advance(1);
  assertEquals(isDone, true);
  isDone = false;
  pace.next(1).then(() => isDone = true);
  stop.abort();
  await settled();
  assertEquals(isDone, true);
});
