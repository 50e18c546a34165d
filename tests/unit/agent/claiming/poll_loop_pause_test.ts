import { assertEquals } from "@std/assert";
import { settled } from "../../../support/manual_clock.ts";
import { BATCH, POLL_MS, PollLoopSetup } from "../../../support/poll_loop_setup.ts";

class Setup extends PollLoopSetup {
  /** The stages that the loop has entered since the last call. */
  stages(): string[] {
    const stages = this.recorder.of("progress").map(({ stage }) => stage);
    return stages.slice(this.#seen, this.#seen = stages.length);
  }
  #seen = 0;

  /** Lets the loop run into its bound: it holds two batches. */
  async fill(): Promise<void> {
    this.pool.add = (documents) => documents.forEach((each) => this.ledger.add(each));
    this.store.insert(3 * BATCH);
    await settled();
  }
}

Deno.test("PollLoop enters each stage once: claiming, idle, paused, and claiming again", async () => {
  const setup = new Setup();
  const running = setup.run();
  await settled();
  assertEquals(setup.stages(), ["claiming", "idle"]);
  setup.gate.pause("signal");
  await settled();
  assertEquals(setup.stages(), ["paused"]);
  setup.gate.resume("signal");
  await settled();
  assertEquals(setup.stages(), ["claiming", "idle"]);
  await setup.end(running);
  assertEquals(setup.stages(), []);
});

Deno.test("PollLoop is paused, and never idle, after a claim during which it was paused", async () => {
  const setup = new Setup();
  const { go, reached } = setup.store.hold("claim");
  const running = setup.run();
  await reached.wait();
  setup.gate.pause("file");
  go();
  await settled();
  assertEquals(setup.stages(), ["claiming", "paused"]);
  await setup.end(running);
});

Deno.test("PollLoop that is full is paused at once, though no document leaves, and is full again after a resume", async () => {
  const setup = new Setup();
  await setup.fill();
  const running = setup.run();
  await settled();
  assertEquals(setup.stages().at(-1), "full");
  setup.gate.pause("signal");
  await settled();
  assertEquals(setup.stages(), ["paused"]);
  setup.gate.resume("signal");
  await settled();
  assertEquals(setup.stages(), ["full"]);
  assertEquals(setup.claims, 2);
  await setup.end(running);
});

Deno.test("PollLoop with too many handlers left behind is paused at once, and full again after a resume", async () => {
  const setup = new Setup();
  Object.assign(setup.pool, { leftBehind: 1000 });
  const running = setup.run();
  await settled();
  assertEquals(setup.stages(), ["full"]);
  setup.gate.pause("signal");
  await settled();
  assertEquals(setup.stages(), ["paused"]);
  setup.gate.resume("signal");
  await settled();
  assertEquals([setup.stages(), setup.claims], [["full"], 0]);
  await setup.end(running);
});

Deno.test("PollLoop claims once after a resume, however often hints came meanwhile, and then waits POLL_INTERVAL", async () => {
  const setup = new Setup();
  const running = setup.run();
  await settled();
  setup.gate.pause("signal");
  await settled();
  setup.wakeup.wake();
  setup.gate.resume("signal");
  await settled();
  assertEquals([setup.claims, setup.clock.nextInMs], [2, POLL_MS]);
  await setup.end(running);
});

Deno.test("PollLoop claims at once if it is paused and resumed in one go", async () => {
  const setup = new Setup();
  const running = setup.run();
  await settled();
  setup.store.insert(1);
  setup.gate.pause("signal");
  setup.gate.resume("signal");
  await settled();
  assertEquals([setup.processed.length, setup.claims, setup.clock.nextInMs], [1, 2, POLL_MS]);
  await setup.end(running);
});
