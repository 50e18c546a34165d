import { assert, assertEquals } from "@std/assert";
import type { AgentSettings } from "../../../agent/agent_settings.ts";
import { sleep } from "../../../agent/lib/deadline.ts";
import { AgentSetup } from "../../support/agent_setup.ts";
import { testRandom } from "../../support/random.ts";

const MINUTE_MS = 60_000;
/** The defaults of the product, as far as they matter here. */
const DEFAULTS = {
  breakerThreshold: 20,
  batchSize: 100,
  concurrency: 16,
  maxAttempts: 5,
  retryBackoffMaxMs: 300_000,
  processTimeoutMs: MINUTE_MS,
};

/** A handler that takes ten milliseconds, fails while the service is down, and for bad documents at any time. */
class Service {
  isDown = false;
  readonly bad = new Set<unknown>();
  readonly runs: unknown[] = [];
  readonly setup: AgentSetup;

  constructor(settings: Partial<AgentSettings> = {}, options: { untilEmpty?: boolean } = {}) {
    const process = async ({ id }: { id?: unknown }) => {
      this.runs.push(id);
      await sleep(this.setup.clock, 10);
      if (this.isDown || this.bad.has(id)) throw new Error("connection refused");
    };
    this.setup = new AgentSetup(process, { ...DEFAULTS, ...settings }, options);
  }

  /** Inserts documents, and runs the agent. */
  run(count: number): Promise<unknown> {
    for (let each = 1; each <= count; each++) {
      this.setup.store.insert(1, { id: `d${each}`, fields: { id: `d${each}` } });
    }
    return this.setup.agent.run();
  }

  /** Attempts that documents have used. */
  get attempts(): number {
    let sum = 0;
    for (const { attempts } of this.setup.store.documents.values()) sum += attempts;
    return sum;
  }

  async end(running: Promise<unknown>): Promise<void> {
    this.setup.agent.drain("test");
    await this.setup.clock.advance(1000);
    await running;
    assertEquals(this.setup.clock.pending, 0, "no timer is left behind");
  }
}

for (const concurrency of [1, 16, 500]) {
  Deno.test(`Agent with CONCURRENCY=${concurrency} spends few attempts on ten minutes of outage, however many documents wait`, async () => {
    const it = new Service({ concurrency, batchSize: Math.max(100, concurrency) });
    it.isDown = true;
    const { clock, recorder, store } = it.setup;
    const running = it.run(400);
    await clock.advance(10 * MINUTE_MS);
    // The row of 20, three trials at once, and three after each of 10, 20, 40, 80, 160 and 300 seconds.
    assertEquals(recorder.of("breaker_opened").length, 6);
    assert(it.attempts <= 20 + 3 * 6, `${it.attempts} attempts`);
    assertEquals([store.statuses.failed, store.statuses.processing], [undefined, undefined]);
    it.isDown = false;
    await clock.advance(recorder.of("breaker_opened").at(-1)!.retryInMs);
    assertEquals(recorder.of("breaker_closed").length, 1);
    await it.end(running);
    assert(store.statuses.processed! > 100, "the drain goes on");
  });
}

Deno.test("Agent keeps few documents from dead letters however long the outage is", async () => {
  const it = new Service();
  it.isDown = true;
  const running = it.run(30);
  await it.setup.clock.advance(3 * 60 * MINUTE_MS);
  assertEquals(it.setup.store.statuses, { pending: 30 });
  it.isDown = false;
  await it.setup.clock.advance(10 * MINUTE_MS);
  assertEquals(it.setup.store.statuses, { processed: 30 });
  await it.end(running);
});

Deno.test("Agent does not open its breaker if five percent of the documents are bad", async () => {
  const random = testRandom();
  const it = new Service();
  for (let each = 1; each <= 1000; each++) if (random() < 0.05) it.bad.add(`d${each}`);
  const running = it.run(1000);
  await it.setup.clock.advance(30 * MINUTE_MS);
  assertEquals(it.setup.recorder.of("breaker_opened"), []);
  assertEquals(it.setup.store.statuses, { processed: 1000 - it.bad.size, failed: it.bad.size });
  assertEquals(it.attempts, 1000 - it.bad.size + 5 * it.bad.size);
  await it.end(running);
});

Deno.test("Agent does not keep good documents waiting for a block of 200 bad ones at the head", async () => {
  const it = new Service();
  for (let each = 1; each <= 200; each++) it.bad.add(`d${each}`);
  const running = it.run(1200);
  const { clock, recorder, store } = it.setup;
  let goodMs = 0;
  for (; (store.statuses.processed ?? 0) < 1000 && goodMs < MINUTE_MS; goodMs += 100) {
    await clock.advance(100);
  }
  // Without bad ones it takes 650 ms: 16 at a time, 10 ms each.
  assert(goodMs <= 2300, `they took ${goodMs} ms`);
  await clock.advance(60 * MINUTE_MS);
  assertEquals(recorder.of("breaker_opened"), []);
  assertEquals(store.statuses, { processed: 1000, failed: 200 });
  // Some runs are spared at the end of each row.
  assert(it.runs.length <= 1000 + 5 * 200 + 200, `${it.runs.length} runs`);
  await it.end(running);
});

Deno.test("Agent dead-letters bad documents that it had taken for an outage, once a good one comes", async () => {
  const it = new Service();
  for (let each = 1; each <= 40; each++) it.bad.add(`d${each}`);
  const running = it.run(40);
  const { clock, store } = it.setup;
  await clock.advance(60 * MINUTE_MS);
  assertEquals(store.statuses, { pending: 40 });
  store.insert(1, { id: "good" });
  await clock.advance(20 * MINUTE_MS);
  assertEquals(store.statuses, { processed: 1, failed: 40 });
  await it.end(running);
});

Deno.test("Agent drains at once while its breaker is open, and releases nothing late", async () => {
  const it = new Service();
  it.isDown = true;
  const running = it.run(100);
  await it.setup.clock.advance(1000);
  assertEquals(it.setup.recorder.of("breaker_opened").length, 1);
  assertEquals(it.setup.recorder.of("progress").at(-1)!.stage, "breaker_open");
  it.setup.agent.drain("SIGTERM");
  await running;
  assertEquals([it.setup.store.statuses, it.setup.clock.pending], [{ pending: 100 }, 0]);
});

Deno.test("Agent tries nothing while it is paused and its breaker is open, and goes on after both", async () => {
  const it = new Service();
  it.isDown = true;
  const running = it.run(100);
  const { clock, gate, store } = it.setup;
  await clock.advance(1000);
  gate.pause("file");
  assertEquals(it.setup.agent.state, "paused");
  const runs = it.runs.length;
  it.isDown = false;
  await clock.advance(60 * MINUTE_MS);
  assertEquals(it.runs.length, runs);
  gate.resume("file");
  await clock.advance(MINUTE_MS);
  assertEquals(store.statuses, { processed: 100 });
  await it.end(running);
});

Deno.test("Agent tries another document if an operator cancels the one that its breaker tries", async () => {
  const hangs = Promise.withResolvers<void>();
  let isDown = true;
  const setup = new AgentSetup(() => isDown ? Promise.reject(new Error("down")) : hangs.promise, DEFAULTS);
  setup.store.insert(60);
  const running = setup.agent.run();
  await setup.clock.advance(1000);
  isDown = false;
  await setup.clock.advance(10_000);
  assertEquals(setup.agent.held, { documents: 1, running: 1 });
  const tried = [...setup.store.documents.values()].find(({ status }) => status === "processing")!;
  Object.assign(tried, { status: "canceled", token: undefined });
  setup.agent.lookForCanceled();
  await setup.clock.advance(5000);
  assertEquals(setup.agent.held, { documents: 1, running: 1 }, "the next one");
  hangs.resolve();
  await setup.clock.advance(5000);
  assertEquals(setup.store.statuses, { canceled: 1, processed: 59 });
  setup.agent.drain("test");
  await running;
});

Deno.test("Agent starts one document while its breaker is half open, although others from before still hang", async () => {
  const before = Promise.withResolvers<void>();
  let started = 0;
  const setup = new AgentSetup(async () => {
    started += 1;
    if (started > 20) await before.promise;
    throw new Error("down");
  }, { ...DEFAULTS, processTimeoutMs: 9000 });
  setup.store.insert(500);
  const running = setup.agent.run();
  await setup.clock.advance(1000);
  assertEquals([setup.agent.held, started], [{ documents: 16, running: 16 }, 20 + 15 + 1]);
  // The time of all of them is over: those from before cost no attempt, and the next one is tried.
  await setup.clock.advance(9000);
  assertEquals(setup.agent.held, { documents: 1, running: 1 });
  const attempts = [...setup.store.documents.values()].filter(({ attempts }) => attempts > 0).length;
  assertEquals(attempts, 20 + 1 + 1);
  setup.agent.force("test");
  before.resolve();
  await setup.clock.advance(5000);
  await running;
});

Deno.test("Agent fills its slots ten seconds after each row of a block of bad documents, although good ones take an hour", async () => {
  const good = Promise.withResolvers<void>();
  const setup = new AgentSetup(async ({ bad }) => {
    if (bad) throw new Error("bad");
    await good.promise;
  }, { ...DEFAULTS, processTimeoutMs: 120 * MINUTE_MS });
  setup.store.insert(60, { fields: { bad: true } });
  setup.store.insert(500);
  const running = setup.agent.run();
  // Three rows of 20.
  await setup.clock.advance(31_000);
  assertEquals(setup.agent.held.running, 16);
  good.resolve();
  await setup.clock.advance(10 * MINUTE_MS);
  assertEquals(setup.store.statuses, { processed: 500, failed: 60 });
  setup.agent.drain("test");
  await running;
});

Deno.test("Agent spends one more row of attempts if the service hangs after it has failed at once", async () => {
  const hang = Promise.withResolvers<void>();
  let started = 0;
  const setup = new AgentSetup(async () => {
    started += 1;
    if (started > 20) await hang.promise;
    throw new Error("down");
  }, { ...DEFAULTS, maxAttempts: 50, processTimeoutMs: 5 * MINUTE_MS });
  setup.store.insert(500);
  const running = setup.agent.run();
  await setup.clock.advance(60 * MINUTE_MS);
  let attempts = 0;
  for (const each of setup.store.documents.values()) attempts += each.attempts;
  // Two rows of 20, and a trial each five minutes at most.
  assert(attempts <= 2 * 20 + 12, `${attempts} attempts`);
  setup.agent.force("test");
  hang.resolve();
  await setup.clock.advance(5000);
  await running;
});

Deno.test("Agent tries a batch of one while its breaker is half open, and gives up what a batch would cost", async () => {
  const sizes: number[] = [];
  let isDown = true;
  const setup = new AgentSetup({
    kind: "batch",
    processBatch: (documents) => {
      sizes.push(documents.length);
      if (isDown) throw new Error("down");
      return documents.map(() => ({}));
    },
  }, { ...DEFAULTS, concurrency: 1 });
  setup.store.insert(2000);
  const running = setup.agent.run();
  await setup.clock.advance(1000);
  assertEquals(sizes, [100, 100, 100, 100, 100, 1, 1, 1]);
  isDown = false;
  await setup.clock.advance(30_000);
  assertEquals([sizes[8], sizes[9], setup.store.statuses], [1, 100, { processed: 2000 }]);
  setup.agent.drain("test");
  await running;
});

Deno.test("Agent tries a suspect alone while its breaker is half open, if nothing else waits", async () => {
  const it = new Service({ breakerThreshold: 2 });
  it.isDown = true;
  const { clock, recorder, store } = it.setup;
  store.insert(1, { id: "s1", takeovers: 2 });
  store.insert(1, { id: "s2", takeovers: 2 });
  store.insert(1, { id: "s3", takeovers: 2 });
  const running = it.run(0);
  await clock.advance(MINUTE_MS);
  assert(recorder.of("breaker_opened").length > 0, "it has opened");
  it.isDown = false;
  await clock.advance(10 * MINUTE_MS);
  assertEquals(store.statuses, { processed: 3 });
  await it.end(running);
});

Deno.test("Agent that is to end when nothing is left ends although its breaker is half open", async () => {
  const it = new Service({ maxAttempts: 1 }, { untilEmpty: true });
  it.isDown = true;
  const running = it.run(20);
  await it.setup.clock.advance(MINUTE_MS);
  await running;
  assertEquals([it.setup.store.statuses, it.setup.clock.pending], [{ failed: 20 }, 0]);
});
