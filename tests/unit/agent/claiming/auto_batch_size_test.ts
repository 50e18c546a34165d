import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { FIRST_BATCH, LARGEST_BATCH } from "../../../../agent/claiming/auto_batch_size.ts";
import { AgentSetup } from "../../../support/agent_setup.ts";
import { integerFrom, pick, rounds, testRandom } from "../../../support/random.ts";
import { SimulatedAgent } from "../../../support/simulated_agent.ts";

const A_SECOND = 1000;
const AN_HOUR = 3_600_000;
const SLOTS = 16;

/** An agent before which so many documents wait. */
function before(
  pending: number,
  options: ConstructorParameters<typeof SimulatedAgent>[0] = {},
): SimulatedAgent {
  const agent = new SimulatedAgent(options);
  agent.pending = pending;
  return agent;
}

Deno.test("AutoBatchSize begins with 100, and takes up to 5,000 within a second if handlers take no time", () => {
  const agent = before(1_000_000);
  agent.run(A_SECOND);
  const { brought } = agent;
  assertEquals([brought[0], brought.at(-1)], [FIRST_BATCH, LARGEST_BATCH]);
  assert(brought.every((size, at) => size <= Math.max(FIRST_BATCH, 2 * Math.max(...brought.slice(0, at)))));
});

Deno.test("AutoBatchSize holds what handlers finish in about a second, and keeps all slots busy", () => {
  for (const [runMs, perSecond] of [[2, 8000], [10, 1600], [50, 320], [200, 80]] as const) {
    const agent = before(1_000_000);
    agent.runMs = () => runMs;
    agent.run(5 * A_SECOND);
    const { processed } = agent;
    const most = agent.run(5 * A_SECOND);
    assertLess(most, Math.max(1.3 * perSecond, 3 * SLOTS), `handlers of ${runMs} ms`);
    assertGreater(agent.processed - processed, 0.9 * 5 * perSecond, `handlers of ${runMs} ms`);
  }
});

Deno.test("AutoBatchSize holds only what runs and as many that wait, if handlers take far longer", () => {
  const agent = before(10_000);
  agent.runMs = () => 10_000;
  assertEquals(agent.run(A_SECOND), 2 * FIRST_BATCH, "until anything is known of the handlers");
  agent.run(60 * A_SECOND);
  assert(agent.run(60 * A_SECOND) <= 2 * SLOTS);
  assertGreater(agent.processed, 11 * SLOTS);
});

Deno.test("AutoBatchSize releases what waits when handlers become slow, and takes more again when they are fast", () => {
  const agent = before(10_000_000);
  agent.runMs = () => 1;
  agent.run(10 * A_SECOND);
  assertGreater(agent.held, LARGEST_BATCH);
  agent.runMs = () => 20_000;
  agent.run(3 * A_SECOND);
  assertEquals(agent.released, 0, "a short standstill releases nothing");
  const claims = agent.brought.length;
  agent.run(57 * A_SECOND);
  assert(agent.held <= 3 * SLOTS, `${agent.held} are held`);
  assertGreater(agent.released, LARGEST_BATCH);
  assertEquals(agent.brought.slice(claims).filter((size) => size > SLOTS), []);
  agent.runMs = () => 1;
  agent.run(25 * A_SECOND);
  assertEquals(Math.max(...agent.brought.slice(claims)), LARGEST_BATCH);
});

Deno.test("AutoBatchSize releases nothing if handlers stand still for some seconds now and then", () => {
  const agent = before(1_000_000);
  for (let times = 0; times < 10; times++) {
    agent.runMs = () => 5;
    agent.run(5 * A_SECOND);
    agent.runMs = () => 4000;
    agent.run(A_SECOND);
  }
  assertEquals(agent.released, 0);
});

Deno.test("AutoBatchSize takes a burst after an idle hour in growing steps, so that other agents have their share", () => {
  const agent = before(100_000);
  agent.run(11 * A_SECOND);
  agent.freeze(AN_HOUR);
  agent.run(A_SECOND);
  const claims = agent.brought.length;
  // By now they are slow.
  agent.runMs = () => 10_000;
  agent.pending = 10_000;
  assertEquals(agent.run(A_SECOND), 2 * FIRST_BATCH);
  assertEquals(agent.brought[claims], FIRST_BATCH);
});

Deno.test("AutoBatchSize takes no more than 100 at once of documents that come one by one", () => {
  const agent = before(0);
  for (let ms = 0; ms < 20_000; ms++) {
    agent.pending += 1;
    agent.run(1);
  }
  agent.pending = 10_000;
  const claims = agent.brought.length;
  agent.run(100);
  assertEquals(agent.brought[claims], FIRST_BATCH);
});

Deno.test("AutoBatchSize goes on in all other slots if one document takes very long", () => {
  const agent = before(1_000_000);
  let started = 0;
  agent.runMs = () => ++started === 500 ? AN_HOUR : 10;
  agent.run(20 * A_SECOND);
  assertGreater(agent.processed, 0.95 * 20 * 1500);
  assertEquals(agent.released, 0);
});

Deno.test("AutoBatchSize holds a second's worth if one document in fifty is a thousand times as slow", () => {
  const agent = before(1_000_000);
  let started = 0;
  agent.runMs = () => ++started % 50 === 0 ? 2000 : 2;
  agent.run(30 * A_SECOND);
  const { processed } = agent;
  const most = agent.run(30 * A_SECOND);
  const perSecond = (agent.processed - processed) / 30;
  assertGreater(perSecond, 0.9 * SLOTS / 0.042);
  assertLess(most, 2 * perSecond);
});

Deno.test("AutoBatchSize is as before soon after the process was frozen", () => {
  const agent = before(1_000_000);
  agent.runMs = () => 10;
  agent.run(5 * A_SECOND);
  agent.freeze(AN_HOUR);
  agent.run(3 * A_SECOND);
  const { processed } = agent;
  agent.run(2 * A_SECOND);
  assertGreater(agent.processed - processed, 0.95 * 2 * 1600);
  assertGreater(agent.brought.at(-1)!, 500);
});

Deno.test("AutoBatchSize claims enough for all slots, however many CONCURRENCY has", () => {
  const agent = before(20_000, { concurrency: 300 });
  agent.runMs = () => 10_000;
  agent.run(60 * A_SECOND);
  assertEquals(agent.running, 300);
});

Deno.test("AutoBatchSize stays within its bounds, and holds little that does not finish soon, however handlers change", () => {
  const random = testRandom();
  for (let round = 0; round < rounds(1); round++) {
    const leaseMs = pick(random, [2000, 10_000, 60_000]);
    const concurrency = pick(random, [1, 4, 16, 200]);
    const agent = before(0, { leaseMs, concurrency });
    for (let phase = 0; phase < 5; phase++) {
      const runMs = pick(random, [0, 1, 7, 60, 900, 15_000]);
      agent.runMs = () => runMs;
      agent.pending = integerFrom(random, 0, 1) * 1e9;
      // What became slow is released, and what runs began in this phase.
      agent.run(leaseMs + 16_000);
      const { processed } = agent;
      const most = agent.run(10_000);
      const saying = `lease ${leaseMs}, ${concurrency} slots, handlers of ${runMs} ms`;
      if (runMs > 0) {
        const aSecondsWorth = concurrency * A_SECOND / runMs;
        const bound = Math.max(3 * concurrency, 1.5 * aSecondsWorth);
        assert(most <= Math.min(bound, 2 * LARGEST_BATCH + concurrency), `${most} held: ${saying}`);
      }
      if (agent.pending > 0 && runMs > 0 && runMs < 900) {
        const rate = Math.min(concurrency / runMs, LARGEST_BATCH / 50) * 10_000;
        assertGreater(agent.processed - processed, 0.8 * rate, saying);
      }
    }
    assert(agent.brought.every((size) => size <= LARGEST_BATCH), `${agent.brought}`);
  }
});

Deno.test("AutoBatchSize gives a processor of batches 100 documents at once, and the surplus back to other agents", async () => {
  const sizes: number[] = [];
  let runMs = 100;
  const setup: AgentSetup = new AgentSetup({
    kind: "batch",
    processBatch: async (documents) => {
      sizes.push(documents.length);
      await new Promise<void>((resolve) => setup.clock.after(runMs, resolve));
      return documents.map(() => undefined);
    },
  }, { batchSize: "auto", concurrency: 2, processTimeoutMs: AN_HOUR });
  setup.store.insert(6000);
  const running = setup.agent.run();
  await setup.clock.advance(A_SECOND);
  assertGreater(setup.agent.held.documents, 500);
  runMs = 120_000;
  await setup.clock.advance(90 * A_SECOND);
  const { documents, running: inHandlers } = setup.agent.held;
  assertLess(documents - inHandlers, 2 * FIRST_BATCH);
  assertGreater(setup.recorder.of("released").length, 0);
  assertEquals(Math.max(...sizes), FIRST_BATCH);
  assertEquals(setup.recorder.of("lease_lost"), []);
  setup.agent.force("test");
  await setup.clock.advance(10 * A_SECOND);
  await running;
});

Deno.test("AutoBatchSize does not count time in which the agent holds nothing for its handlers", async () => {
  const setup = new AgentSetup(() => {}, { batchSize: "auto", pollIntervalMs: A_SECOND });
  // Of an earlier holder: they are settled, and no handler sees them.
  setup.store.insert(50, { verdict: new Date(0) });
  const running = setup.agent.run();
  await setup.clock.advance(10 * A_SECOND);
  assertEquals([setup.store.statuses.failed, setup.agent.batchSize], [50, FIRST_BATCH]);
  setup.agent.drain("test");
  await setup.clock.advance(A_SECOND);
  await running;
});

Deno.test("RATE_LIMIT with BATCH_SIZE=auto claims no more than may start within a second", async () => {
  const limit = { documents: 20, perMs: A_SECOND };
  const setup = new AgentSetup(() => {}, { batchSize: "auto", pollIntervalMs: 100 }, { limit });
  setup.store.insert(300);
  const running = setup.agent.run();
  for (let passed = 0; passed < 10; passed++) {
    await setup.clock.advance(A_SECOND);
    assertLess(setup.agent.held.documents, 25);
  }
  assertGreater(setup.store.statuses.processed ?? 0, 180);
  setup.agent.drain("test");
  await setup.clock.advance(A_SECOND);
  await running;
});
