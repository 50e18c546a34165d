import { assertEquals } from "@std/assert";
import { Events } from "../../../../agent/events.ts";
import { Membership } from "../../../../agent/fleet/membership.ts";
import type { AgentReport } from "../../../../agent/fleet/registry.ts";
import { ManualClock } from "../../../support/manual_clock.ts";

/** An agent in a fleet whose registry fails, or waits, as a test wants. */
class Setup {
  readonly clock = new ManualClock();
  readonly events = new Events();
  readonly membership: Membership;
  readonly log: string[] = [];
  /** What the registry got, and when. */
  readonly reports: [atMs: number, controlId: string | undefined][] = [];
  reads = 0;
  leaves = 0;
  controlId: string | undefined;
  isReady = true;
  error: Error | undefined;
  answers = Promise.resolve();

  constructor() {
    this.membership = new Membership({
      clock: this.clock,
      random: () => 0.5,
      events: this.events,
      log: { info: (message) => void this.log.push(message), warn: (message) => void this.log.push(message) },
      orders: { read: () => this.#read() },
      isReady: () => this.isReady,
      report: () => ({ controlId: this.controlId, isReady: this.isReady }) as AgentReport,
      registry: {
        name: "shop.documents_agents",
        control: () => Promise.resolve(undefined),
        isForbidden: () => false,
        isTransient: (error) => error instanceof Error && error.message === "out of reach",
        leave: () => {
          this.leaves += 1;
          return Promise.resolve();
        },
        report: (report) => this.#report(report),
      },
    });
  }

  async #read(): Promise<void> {
    this.reads += 1;
    await this.answers;
    if (this.error) throw this.error;
  }

  #report({ controlId }: AgentReport): Promise<boolean> {
    this.reports.push([this.clock.monotonicMs(), controlId]);
    return Promise.resolve(true);
  }

  async end(): Promise<void> {
    await this.membership.stop();
    assertEquals([this.leaves, this.clock.pending], [1, 0]);
  }
}

Deno.test("Membership beats at the start and every ten seconds, and reads what is wanted before each beat", async () => {
  const setup = new Setup();
  const startMs = setup.clock.monotonicMs();
  setup.membership.start();
  await setup.clock.advance(30_000);
  assertEquals(setup.reports.map(([atMs]) => atMs - startMs), [0, 10_000, 20_000, 30_000]);
  assertEquals(setup.reads, 4);
  await setup.end();
});

Deno.test("Membership shows at once that its state or its readiness has changed, and no other event", async () => {
  const setup = new Setup();
  setup.membership.start();
  await setup.clock.advance(1000);
  setup.events.emit({ type: "processed", documents: 1 });
  await setup.clock.advance(1000);
  assertEquals(setup.reports.length, 1);
  setup.isReady = false;
  setup.events.emit({ type: "processed", documents: 1 });
  await setup.clock.advance(0);
  assertEquals(setup.reports.length, 2);
  setup.events.emit({ type: "state_changed", from: "running", to: "draining" });
  await setup.clock.advance(0);
  assertEquals(setup.reports.length, 3);
  await setup.end();
});

Deno.test("Membership reads at once on a hint, and shows only if the agent has acted on something new", async () => {
  const setup = new Setup();
  setup.membership.start();
  await setup.clock.advance(1000);
  setup.membership.ordersChanged();
  await setup.clock.advance(0);
  assertEquals([setup.reads, setup.reports.length], [2, 1]);
  setup.controlId = "1";
  setup.membership.ordersChanged();
  await setup.clock.advance(0);
  assertEquals([setup.reads, setup.reports.at(-1)?.[1]], [3, "1"]);
  await setup.end();
});

Deno.test("Membership reads with every sixth beat while a stream reports changes, and with each one while none does", async () => {
  const setup = new Setup();
  setup.membership.areOrdersTold = true;
  setup.membership.start();
  await setup.clock.advance(60_000);
  assertEquals([setup.reports.length, setup.reads], [7, 2]);
  setup.membership.areOrdersTold = false;
  await setup.clock.advance(20_000);
  assertEquals([setup.reports.length, setup.reads], [9, 4]);
  await setup.end();
});

Deno.test("Membership reads again for a hint that comes while it reads", async () => {
  const setup = new Setup();
  const answer = Promise.withResolvers<void>();
  setup.answers = answer.promise;
  setup.membership.areOrdersTold = true;
  setup.membership.start();
  await setup.clock.advance(1000);
  setup.membership.ordersChanged();
  answer.resolve();
  await setup.clock.advance(0);
  assertEquals(setup.reads, 2);
  await setup.end();
});

Deno.test("Membership reports once that the registry cannot be used, tries it more rarely, and reports its return", async () => {
  const setup = new Setup();
  setup.error = new Error("not authorized");
  setup.membership.start();
  await setup.clock.advance(150_000);
  assertEquals([setup.reads, setup.log.length, setup.reports.length], [3, 1, 0]);
  setup.error = undefined;
  await setup.clock.advance(60_000);
  assertEquals([setup.log.at(-1), setup.reports.length > 0], [
    "The registry of the fleet can be used now",
    true,
  ]);
  await setup.end();
});

Deno.test("Membership that fails tries no sooner because the agent works", async () => {
  for (const message of ["not authorized", "out of reach"]) {
    const setup = new Setup();
    setup.error = new Error(message);
    setup.membership.start();
    await setup.clock.advance(0);
    for (let documents = 1; documents <= 100; documents++) {
      setup.events.emit({ type: "processed", documents });
      await setup.clock.advance(10);
    }
    assertEquals([setup.reads, setup.reports.length], [1, 0]);
    await setup.end();
  }
});

Deno.test("Membership is silent while MongoDB is out of reach, and beats at once when it is back", async () => {
  const setup = new Setup();
  setup.error = new Error("out of reach");
  setup.membership.start();
  await setup.clock.advance(25_000);
  assertEquals([setup.reads, setup.log], [3, []]);
  setup.error = undefined;
  setup.events.emit({ type: "reachable_changed", isReachable: true });
  await setup.clock.advance(0);
  assertEquals(setup.reports.length, 1);
  await setup.end();
});

Deno.test("Membership that is stopped during a beat writes no entry after it has left", async () => {
  const setup = new Setup();
  const answer = Promise.withResolvers<void>();
  setup.answers = answer.promise;
  setup.membership.start();
  await setup.clock.advance(0);
  const stopped = setup.membership.stop();
  answer.resolve();
  await stopped;
  assertEquals([setup.reports.length, setup.leaves], [0, 1]);
});
