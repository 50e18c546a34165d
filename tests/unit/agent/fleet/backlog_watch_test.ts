import { assert, assertEquals } from "@std/assert";
import { type Backlog, Events } from "../../../../agent/events.ts";
import type { BacklogOfFleet, BacklogTurn } from "../../../../agent/fleet/backlog_turn.ts";
import { BacklogWatch } from "../../../../agent/fleet/backlog_watch.ts";
import { reachable } from "../../../support/reporter_setup.ts";
import { ManualClock } from "../../../support/manual_clock.ts";

const SEEN: Backlog = { claimable: 3, oldestMs: 4000, deadLetters: 1 };
const UNKNOWN: Backlog = { claimable: undefined, oldestMs: undefined, deadLetters: undefined };
const FORBIDDEN = new Error("not authorized");

/** The turns of a fleet, on one clock, as a registry has them. */
class FleetOfTest implements BacklogOfFleet {
  readonly clock = new ManualClock();
  /** Undefined for agents that are in no registry. */
  isJoined = true;
  error: Error | undefined;
  asked = 0;
  #dueMs = -Infinity;
  #seen: { backlog: Backlog; atMs: number } | undefined;
  #turn = 0;

  turn(): Promise<BacklogTurn | undefined> {
    this.asked += 1;
    if (this.error) return Promise.reject(this.error);
    if (!this.isJoined) return Promise.resolve(undefined);
    const now = () => this.clock.monotonicMs();
    if (this.#dueMs > now()) {
      const seen = this.#seen && { backlog: this.#seen.backlog, agoMs: now() - this.#seen.atMs };
      return Promise.resolve({ isOwn: false, seen, againInMs: this.#dueMs - now() });
    }
    this.#dueMs = now() + 15_000;
    const turn = ++this.#turn;
    const share = (backlog: Backlog, restMs: number) => {
      if (turn !== this.#turn) return Promise.resolve();
      this.#dueMs = now() + restMs;
      this.#seen = { backlog, atMs: now() };
      return Promise.resolve();
    };
    return Promise.resolve({ isOwn: true, share });
  }

  isTransient(error: unknown): boolean {
    return error !== FORBIDDEN;
  }
}

/** A watch on a store that is told what it finds. */
class Setup {
  readonly clock: ManualClock;
  readonly events = new Events();
  readonly seen: Backlog[] = [];
  readonly lines: string[] = [];
  /** When the store was asked, by the clock. */
  readonly asked: number[] = [];
  /** How long a look takes, in milliseconds. */
  tookMs = 0;
  random = 0;
  problem: Error | undefined;
  /** What is found beside the problem. */
  found = UNKNOWN;
  readonly watch: BacklogWatch;

  constructor({ fleet, isShown = true }: { fleet?: FleetOfTest; isShown?: boolean } = {}) {
    this.clock = fleet?.clock ?? new ManualClock();
    this.events.subscribe((event) => event.type === "backlog_seen" && this.seen.push(event.backlog));
    this.watch = new BacklogWatch({
      clock: this.clock,
      random: () => this.random,
      events: this.events,
      fleet,
      isShown,
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
    return this.problem === undefined ? { backlog: SEEN } : { backlog: this.found, problem: this.problem };
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

/** The agents of a fleet, each with its own chance. */
function agentsOf(fleet: FleetOfTest, count: number, isShown = true): Setup[] {
  return Array.from({ length: count }, (_, index) => {
    const agent = new Setup({ fleet, isShown });
    agent.random = index / count;
    agent.events.emit(reachable(true));
    return agent;
  });
}

const looksOf = (agents: readonly Setup[]) => agents.map(({ asked }) => asked.length);

Deno.test("BacklogWatch: of the agents of a fleet one looks, and the others report what it has found", async () => {
  const fleet = new FleetOfTest();
  const agents = agentsOf(fleet, 8);
  await fleet.clock.advance(600_000);
  const [first, ...others] = looksOf(agents);
  assertEquals(others, others.map(() => 0));
  assert(first! >= 18 && first! <= 21, `${first} looks`);
  for (const { seen } of agents) assert(seen.length >= 13 && seen.every((each) => each === SEEN));
  // Each of the others reads as often as the one looks.
  assert(fleet.asked <= 8 * 21, `${fleet.asked} questions`);
});

Deno.test("BacklogWatch: if the agent that looks is gone, hangs or may not look, another one looks within two beats", async () => {
  const fleet = new FleetOfTest();
  const agents = agentsOf(fleet, 3);
  await fleet.clock.advance(40_000);
  assertEquals(looksOf(agents), [2, 0, 0]);
  agents[0]!.watch.stop();
  // The next turn is due 30 s after the last.
  await fleet.clock.advance(20_000 + 20_000);
  const [, second = 0, third = 0] = looksOf(agents);
  assertEquals(second + third, 1);
  // It takes its turn and never gets an answer.
  const [looker, other] = second === 1 ? [agents[1]!, agents[2]!] : [agents[2]!, agents[1]!];
  looker.tookMs = 1e12;
  await fleet.clock.advance(45_000 + 15_000 + 20_000);
  assert(other.asked.length > 0);

  const forbidden = new FleetOfTest();
  const [lacking, allowed] = agentsOf(forbidden, 2);
  lacking!.problem = FORBIDDEN;
  await forbidden.clock.advance(60_000);
  assert(allowed!.asked.length > 0);
  assertEquals(allowed!.seen.at(-1), SEEN);
});

Deno.test("BacklogWatch: if no agent of a fleet may count the letters, one counts the rest for all of them", async () => {
  const fleet = new FleetOfTest();
  const agents = agentsOf(fleet, 8);
  const found = { ...SEEN, deadLetters: undefined };
  for (const agent of agents) Object.assign(agent, { problem: FORBIDDEN, found });
  await fleet.clock.advance(60_000);
  for (const { seen } of agents) assertEquals(seen.at(-1), found);
  await fleet.clock.advance(540_000);
  assertEquals(looksOf(agents).slice(1), Array(7).fill(0));
});

Deno.test("BacklogWatch forgets what no agent has counted for ten minutes", async () => {
  const fleet = new FleetOfTest();
  const agents = agentsOf(fleet, 2);
  await fleet.clock.advance(60_000);
  const { seen } = agents[1]!;
  assertEquals(seen.at(-1), SEEN);
  // As if the registry took no write, which may end: the agent asks again and again.
  fleet.error = new Error("no answer");
  await fleet.clock.advance(480_000);
  assertEquals(seen.at(-1), SEEN);
  await fleet.clock.advance(130_000);
  assertEquals(seen.at(-1), UNKNOWN);
  const { length } = seen;
  await fleet.clock.advance(600_000);
  assertEquals(seen.length, length);
  fleet.error = undefined;
  await fleet.clock.advance(60_000);
  assertEquals(seen.at(-1), SEEN);
});

Deno.test("BacklogWatch without metrics looks for its fleet alone; with metrics it looks by itself if there is no registry", async () => {
  const fleet = new FleetOfTest();
  fleet.isJoined = false;
  const [hidden] = agentsOf(fleet, 1, false);
  const [shown] = agentsOf(fleet, 1);
  await fleet.clock.advance(60_000);
  // It had to have time to join the others.
  assertEquals([hidden!.asked.length, shown!.asked[0], shown!.asked.length], [0, 11_000, 2]);
  fleet.error = FORBIDDEN;
  await fleet.clock.advance(60_000);
  assertEquals([hidden!.asked.length, shown!.asked.length], [0, 4]);
  // It is out of reach for a while: what was known stays.
  fleet.error = new Error("no answer");
  await fleet.clock.advance(60_000);
  assertEquals([hidden!.asked.length, shown!.asked.length], [0, 4]);
  fleet.error = undefined;
  fleet.isJoined = true;
  await fleet.clock.advance(60_000);
  assert(hidden!.asked.length + shown!.asked.length > 4);
  assertEquals(hidden!.seen.at(-1), SEEN);
  hidden!.watch.stop();
  shown!.watch.stop();
  await fleet.clock.advance(600_000);
  assertEquals(fleet.clock.pending, 0);
});
