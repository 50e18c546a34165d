import { assert, assertEquals } from "@std/assert";
import { type Backlog, Events } from "../../../../agent/events.ts";
import { BacklogWatch } from "../../../../agent/metrics/backlog_watch.ts";
import { reachable } from "../../../support/reporter_setup.ts";
import { ManualClock } from "../../../support/manual_clock.ts";

const SEEN: Backlog = { claimable: 3, oldestMs: 4000, deadLetters: 1 };
const UNKNOWN: Backlog = { claimable: undefined, oldestMs: undefined, deadLetters: undefined };
const FORBIDDEN = new Error("not authorized");

/** A watch on a store that is told what it finds. */
class Setup {
  readonly clock = new ManualClock();
  readonly events = new Events();
  readonly seen: Backlog[] = [];
  readonly lines: string[] = [];
  /** When the store was asked, by the clock. */
  readonly asked: number[] = [];
  /** How long a look takes, in milliseconds. */
  tookMs = 0;
  random = 0;
  problem: Error | undefined;
  readonly watch: BacklogWatch;

  constructor() {
    this.events.subscribe((event) => event.type === "backlog_seen" && this.seen.push(event.backlog));
    this.watch = new BacklogWatch({
      clock: this.clock,
      random: () => this.random,
      events: this.events,
      log: {
        debug: (message, fields) => this.lines.push(`DEBUG ${message}: ${fields.error}`),
        warn: (message, fields) => this.lines.push(`WARNING ${message}: ${fields.error}`),
      },
      store: { backlog: () => this.#look(), isForbidden: (error) => error === FORBIDDEN },
    });
  }

  async #look() {
    this.asked.push(this.clock.monotonicMs());
    const { promise, resolve } = Promise.withResolvers<void>();
    this.clock.after(this.tookMs, resolve);
    await promise;
    return this.problem === undefined ? { backlog: SEEN } : { backlog: UNKNOWN, problem: this.problem };
  }

  /** The times between the beginnings of looks. */
  get gaps(): number[] {
    return this.asked.slice(1).map((at, index) => at - this.asked[index]!);
  }
}

Deno.test("BacklogWatch asks nothing before MongoDB is in reach, then within five seconds, then at most every 30 s, at times that differ", async () => {
  const s = new Setup();
  await s.clock.advance(600_000);
  assertEquals([s.asked, s.clock.pending], [[], 0]);
  s.random = 0.5;
  s.events.emit(reachable(true));
  await s.clock.advance(2_499);
  assertEquals(s.asked, []);
  await s.clock.advance(1);
  assertEquals([s.asked.length, s.seen], [1, [SEEN]]);
  s.random = 0.9;
  await s.clock.advance(45_000);
  s.random = 0;
  await s.clock.advance(75_000);
  assertEquals(s.gaps, [37_500, 43_500, 30_000]);
  s.watch.stop();
  await s.clock.advance(600_000);
  assertEquals([s.asked.length, s.clock.pending], [4, 0]);
});

Deno.test("BacklogWatch lets a look that took long be followed by a long rest", async () => {
  const s = new Setup();
  s.events.emit(reachable(true));
  s.tookMs = 4_000;
  await s.clock.advance(1_000_000);
  assert(s.gaps.length > 1 && s.gaps.every((gap) => gap >= 50 * 4_000), String(s.gaps));
});

Deno.test("BacklogWatch knows nothing and asks nothing while MongoDB is out of reach, and asks no more often if it comes and goes", async () => {
  const s = new Setup();
  s.tookMs = 100;
  s.events.emit(reachable(true));
  await s.clock.advance(50);
  // The answer comes when MongoDB is gone.
  s.events.emit(reachable(false));
  await s.clock.advance(600_000);
  assertEquals([s.asked.length, s.seen], [1, [UNKNOWN]]);
  for (let flap = 0; flap < 100; flap++) {
    s.events.emit(reachable(true));
    await s.clock.advance(700);
    s.events.emit(reachable(false));
  }
  s.events.emit(reachable(true));
  await s.clock.advance(300_000);
  assert(s.gaps.every((gap) => gap >= 30_000), String(s.gaps));
  assertEquals([s.seen.at(-1), s.clock.pending], [SEEN, 1]);
});

Deno.test("BacklogWatch logs a problem once as long as it lasts: a missing right as a warning, all others for those who debug", async () => {
  const s = new Setup();
  s.problem = new Error("operation exceeded time limit");
  s.events.emit(reachable(true));
  await s.clock.advance(300_000);
  s.problem = FORBIDDEN;
  await s.clock.advance(300_000);
  s.problem = undefined;
  await s.clock.advance(300_000);
  assertEquals(s.lines.map((line) => line.replace(/ .*:/, "")), [
    "DEBUG operation exceeded time limit",
    "WARNING not authorized",
  ]);
  assertEquals(s.seen.at(-1), SEEN);
});
