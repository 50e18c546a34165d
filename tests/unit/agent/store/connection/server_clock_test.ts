import { assert, assertEquals, assertLessOrEqual, assertRejects, assertThrows } from "@std/assert";
import { BSON } from "mongodb";
import { ServerClock, syncClock } from "../../../../../agent/store/connection/server_clock.ts";
import { ManualClock } from "../../../../support/manual_clock.ts";
import { testRandom } from "../../../../support/random.ts";

Deno.test("ServerClock knows nothing before its first observation, and says so", () => {
  const clock = new ServerClock(new ManualClock());
  assertEquals(clock.isKnown, false);
  assertThrows(() => clock.now(), Error, "not known yet");
});

Deno.test("ServerClock.now() goes on with the monotonic time since the observation", () => {
  const monotonic = new ManualClock(100);
  const clock = new ServerClock(monotonic);
  clock.observe(new Date(5_000_000), "a:27017");
  assertEquals(clock.isKnown, true);
  assertEquals(clock.now().getTime(), 5_000_000);
  monotonic.skip(250.7);
  assertEquals(clock.now().getTime(), 5_000_250);
  assertEquals(clock.now(60_000).getTime(), 5_060_250);
});

Deno.test("ServerClock.now() is never ahead of the server, and at most the best latency behind", () => {
  const random = testRandom(8);
  for (let run = 0; run < 500; run++) {
    // The server's clock is ahead of the agent's by any amount; both run at the same speed.
    const aheadMs = Math.floor(1.7e12 + random() * 1e9);
    const monotonic = new ManualClock(random() * 1e6);
    const serverMs = () => monotonic.monotonicMs() + aheadMs;
    const clock = new ServerClock(monotonic);
    const latenciesMs: number[] = [];
    for (let step = 0; step < 30; step++) {
      const said = new Date(Math.floor(serverMs()));
      const latencyMs = random() < 0.2 ? random() * 10_000 : random() * 20;
      monotonic.skip(latencyMs);
      clock.observe(said, "a:27017");
      latenciesMs.push(latencyMs);
      monotonic.skip(random() * 5000);
      const now = clock.now().getTime();
      assert(now <= serverMs(), `ahead by ${now - serverMs()} ms`);
      const best = Math.min(...latenciesMs.slice(-8));
      // Two milliseconds for the fractions that dates do not have.
      assertLessOrEqual(serverMs() - now, best + 2);
    }
  }
});

Deno.test("ServerClock forgets the observations of another server", () => {
  const clock = new ServerClock(new ManualClock());
  clock.observe(new Date(9_000_000), "ahead:27017");
  clock.observe(new Date(5_000_000), "primary:27017");
  assertEquals(clock.now().getTime(), 5_000_000);
  clock.observe(new Date(4_000_000), "primary:27017");
  assertEquals(clock.now().getTime(), 5_000_000, "the same server: the best observation counts");
});

Deno.test("ServerClock forgets old observations, so that it follows a clock that was set back", () => {
  const clock = new ServerClock(new ManualClock());
  clock.observe(new Date(9_000_000), "a:27017");
  for (let count = 0; count < 8; count++) clock.observe(new Date(5_000_000), "a:27017");
  assertEquals(clock.now().getTime(), 5_000_000);
});

Deno.test("ServerClock takes the time as a date or as a number of any width, and nothing else for a time", () => {
  const clock = new ServerClock(new ManualClock());
  for (const time of [undefined, null, "2026-11-26", NaN, {}, new Date(NaN), 0]) {
    assertEquals([clock.observe(time, "a:27017"), clock.isKnown], [false, false], String(time));
  }
  const times = [new Date(5_000_000), 6_000_000, 7_000_000n, BSON.Long.fromNumber(8_000_000)];
  for (const [at, time] of times.entries()) {
    assertEquals(clock.observe(time, "a:27017"), true);
    assertEquals(clock.now().getTime(), 1_000_000 * (5 + at));
  }
});

Deno.test("syncClock() takes the number that a compatible server sends for its time, and refuses a server that tells none", async () => {
  const linkTo = (localTime: unknown) => ({
    hosts: ["a:27017"],
    db: () => ({ command: () => Promise.resolve({ localTime }) }),
    run: <T>(operation: () => Promise<T>) => operation(),
  });
  const clock = new ServerClock(new ManualClock());
  await syncClock(linkTo(BSON.Long.fromNumber(5_000_000)), clock);
  assertEquals(clock.now().getTime(), 5_000_000);
  await assertRejects(() => syncClock(linkTo(undefined), clock), Error, "tells no time");
});

Deno.test("ServerClock.latest() is never behind the server, and at most the last latency ahead", () => {
  const random = testRandom(9);
  for (let run = 0; run < 500; run++) {
    const aheadMs = Math.floor(1.7e12 + random() * 1e9);
    const monotonic = new ManualClock(random() * 1e6);
    const serverMs = () => monotonic.monotonicMs() + aheadMs;
    const clock = new ServerClock(monotonic);
    assertThrows(() => clock.latest(0), Error, "not known yet");
    for (let step = 0; step < 10; step++) {
      const askedAtMs = clock.monotonicMs;
      const [there, back] = [random() * 500, random() * 500];
      monotonic.skip(there);
      const said = new Date(Math.floor(serverMs()));
      monotonic.skip(back);
      clock.observe(said, "a:27017", askedAtMs);
      // A heartbeat does not tell when it was asked for.
      if (random() < 0.5) clock.observe(new Date(Math.floor(serverMs())), "a:27017");
      monotonic.skip(random() * 5000);
      const latest = clock.latest(0).getTime();
      assert(latest >= serverMs(), `behind by ${serverMs() - latest} ms`);
      assertLessOrEqual(latest - serverMs(), there + 2);
    }
    clock.observe(new Date(), "b:27017");
    assertThrows(() => clock.latest(0), Error, "not known yet");
  }
});
