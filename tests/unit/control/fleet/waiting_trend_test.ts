import { assertEquals } from "@std/assert";
import { WaitingTrend } from "../../../../control/fleet/waiting_trend.ts";

const START_MS = Date.parse("2026-01-01T12:00:00Z");
const after = (seconds: number) => new Date(START_MS + 1000 * seconds);
const exactly = (n: number) => ({ n, capped: false });

Deno.test("WaitingTrend: the history has the last count of each step, and null where nothing was seen", () => {
  const trend = new WaitingTrend();
  for (const [seconds, n] of [[1, 9], [8, 8], [12, 7], [39, 6]] as const) {
    trend.add(after(seconds), exactly(n));
  }
  assertEquals(trend.history(after(40), []).waiting.slice(-5), [null, 8, 7, null, 6]);
  assertEquals(trend.history(after(40), []).waiting.length, 60);
  assertEquals(trend.history(after(620), []).waiting.slice(0, 2), [null, 6]);
  assertEquals(trend.history(after(630), []).waiting.slice(0, 2), [6, null]);
});

Deno.test("WaitingTrend: the time to drain is by the fall of the last minute, and until it is known by what becomes processed", () => {
  const trend = new WaitingTrend();
  assertEquals(trend.drainedInS(5), null);
  trend.add(after(0), exactly(1000));
  assertEquals([trend.drainedInS(5), trend.drainedInS(0), trend.drainedInS(null)], [200, null, null]);
  trend.add(after(19), exactly(981));
  assertEquals(trend.drainedInS(9), 109);
  trend.add(after(20), exactly(980));
  assertEquals(trend.drainedInS(9), 980);
  // Only the last minute counts: it fell by 481 within 59 s.
  trend.add(after(78), exactly(500));
  assertEquals(trend.drainedInS(9), Math.round(500 / (481 / 59)));
  trend.add(after(79), exactly(2000));
  assertEquals(trend.drainedInS(9), null);
  trend.add(after(80), exactly(0));
  assertEquals(trend.drainedInS(9), 0);
});

Deno.test("WaitingTrend: as long as the count is capped, its fall tells nothing", () => {
  const trend = new WaitingTrend();
  trend.add(after(0), { n: 100_000, capped: true });
  trend.add(after(50), { n: 100_000, capped: true });
  assertEquals(trend.drainedInS(10), 10_000);
});

Deno.test("WaitingTrend: where it has not looked, the history has what agents counted", () => {
  const trend = new WaitingTrend();
  trend.add(after(55), exactly(3));
  const counted = [[21, 9], [24, 8], [41, 7], [52, 6]] as const;
  const agents = counted.map(([seconds, claimable]) => ({ at: after(seconds), claimable, capped: false }));
  assertEquals(trend.history(after(60), agents).waiting.slice(-6), [null, null, 8, null, 7, 3]);
  // They are behind, or ahead of what is asked for.
  assertEquals(trend.history(after(70), agents).waiting.slice(-3), [7, 3, null]);
  assertEquals(trend.history(after(50), agents).waiting.slice(-2), [null, 7]);
});

Deno.test("WaitingTrend: the history tells at which numbers counting ended: agents count less far", () => {
  const trend = new WaitingTrend();
  trend.add(after(35), { n: 80_000, capped: false });
  trend.add(after(45), { n: 100_000, capped: true });
  const agents = [
    { at: after(15), claimable: 9000, capped: false },
    { at: after(25), claimable: 10_000, capped: true },
    { at: after(36), claimable: 10_000, capped: true },
  ];
  const { waiting, waiting_capped } = trend.history(after(60), agents);
  assertEquals(waiting.slice(-6), [null, 9000, 10_000, 80_000, 100_000, null]);
  assertEquals(waiting_capped.slice(-6), [false, false, true, false, true, false]);
});

Deno.test("WaitingTrend goes on at once if the server's clock is set back", () => {
  const trend = new WaitingTrend();
  for (const [seconds, n] of [[100, 900], [400, 500], [430, 400]] as const) {
    trend.add(after(seconds), exactly(n));
  }
  trend.add(after(130), exactly(300));
  assertEquals(trend.drainedInS(10), 30);
  assertEquals(trend.history(after(140), []).waiting.slice(-4), [900, null, null, 300]);
  assertEquals(trend.history(after(440), []).waiting.filter((n) => n !== null), [900, 300]);
});
