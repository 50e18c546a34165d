import { assert, assertEquals, assertLess } from "@std/assert";
import { Details } from "../../../agent/details.ts";
import { NO_SHARE } from "../../../agent/pacing/rate_limiter.ts";
import type { BatchProcessor } from "../../../agent/processors/processor.ts";
import { AgentSetup } from "../../support/agent_setup.ts";
import { settled } from "../../support/manual_clock.ts";

const A_SECOND = 1000;
const A_MINUTE = 60_000;
const TWENTY = { documents: 20, perMs: A_SECOND };
const THREE_A_MINUTE = { documents: 3, perMs: A_MINUTE };

/** Counts the starts of handlers, each of which takes no time. */
class Limited extends AgentSetup {
  readonly starts: number[];
  readonly #waits: number[];

  constructor(
    settings: ConstructorParameters<typeof AgentSetup>[1],
    options: ConstructorParameters<typeof AgentSetup>[2],
  ) {
    const starts: number[] = [];
    const waits: number[] = [];
    const details = new Details();
    details.subscribe((detail) => {
      if (detail.type === "start_limited") waits.push(detail.waitMs);
    });
    super(() => void starts.push(this.clock.monotonicMs()), { concurrency: 16, ...settings }, {
      details,
      ...options,
    });
    this.starts = starts;
    this.#waits = waits;
  }

  /** The longest time that a document was held before its start. */
  get longestWaitMs(): number {
    return Math.max(...this.#waits);
  }

  /** How many started within `ms` from a time on, at most. */
  mostWithin(ms: number): number {
    return Math.max(
      ...this.starts.map((fromMs) =>
        this.starts.filter((atMs) => atMs >= fromMs && atMs < fromMs + ms).length
      ),
    );
  }

  async end(running: Promise<unknown>): Promise<void> {
    this.agent.drain("test");
    await this.clock.advance(A_SECOND);
    await running;
    assertEquals(this.clock.pending, 0, "no timer is left behind");
  }
}

Deno.test("RATE_LIMIT is held exactly while documents wait, and no document is held for longer than a second", async () => {
  for (const batchSize of [1, 10, 100]) {
    const setup = new Limited({ batchSize }, { limit: TWENTY });
    setup.store.insert(250);
    const running = setup.agent.run();
    await setup.clock.advance(10 * A_SECOND);
    assertEquals(setup.starts.length, 200, `BATCH_SIZE ${batchSize}`);
    assertLess(setup.mostWithin(A_SECOND), 21);
    assertLess(setup.longestWaitMs, 1000);
    await setup.end(running);
  }
});

Deno.test("RATE_LIMIT has claims bring what half a second may start, not one document each", async () => {
  const setup = new Limited({ batchSize: 100 }, { limit: TWENTY });
  setup.store.insert(500);
  const running = setup.agent.run();
  await setup.clock.advance(20 * A_SECOND);
  assertLess(setup.store.callsOf("claim").length, 45);
  await setup.end(running);
});

Deno.test("RATE_LIMIT of few documents a minute has the agent claim one right before it may start", async () => {
  const setup = new Limited({}, { limit: THREE_A_MINUTE });
  setup.store.insert(20);
  const running = setup.agent.run();
  await setup.clock.advance(18_900);
  assertEquals([setup.store.callsOf("claim").length, setup.agent.held.documents], [0, 0]);
  await setup.clock.advance(A_MINUTE - 18_900);
  assertEquals(setup.starts, [21_000, 41_000, 61_000]);
  assertLess(setup.longestWaitMs, 1000);
  const { deadlineMs, stage } = setup.recorder.of("progress").at(-1)!;
  assertEquals(stage, "limited");
  assert(deadlineMs > setup.clock.monotonicMs() + 19_000, "the loop is not stuck while it waits");
  await setup.end(running);
});

Deno.test("RATE_LIMIT lets the first document after an idle time start at once, and a second's worth at most", async () => {
  const setup = new Limited({ pollIntervalMs: 100, batchSize: 1000 }, { limit: TWENTY });
  const running = setup.agent.run();
  await setup.clock.advance(2 * A_MINUTE);
  setup.store.insert(300);
  await setup.clock.advance(200);
  assert(setup.starts.length >= 20 && setup.starts.length <= 24, `${setup.starts.length} at once`);
  await setup.clock.advance(10 * A_SECOND);
  assertLess(setup.starts.length, 225);
  await setup.end(running);
});

Deno.test("RATE_LIMIT counts a retry as it counts a first run", async () => {
  const starts: unknown[] = [];
  const fails = (document: { _id?: unknown }) => {
    starts.push(document._id);
    throw new Error("not now");
  };
  const setup = new AgentSetup(fails, { maxAttempts: 1000, retryBackoffMs: 1, retryBackoffMaxMs: 1 }, {
    limit: { documents: 10, perMs: A_SECOND },
  });
  setup.store.insert(3);
  const running = setup.agent.run();
  await setup.clock.advance(10 * A_SECOND);
  assertLess(starts.length, 101);
  assert(starts.length > 50);
  setup.agent.drain("test");
  await setup.clock.advance(A_SECOND);
  await running;
});

Deno.test("RATE_LIMIT counts a batch as many as it has, and makes no batch larger than what a second gives", async () => {
  const sizes: number[] = [];
  const processBatch: BatchProcessor = (documents) => {
    sizes.push(documents.length);
    return Promise.resolve(documents.map(() => undefined));
  };
  const setup = new AgentSetup({ kind: "batch", processBatch }, { batchSize: 100 }, {
    limit: { documents: 20, perMs: A_SECOND },
  });
  setup.store.insert(350);
  const running = setup.agent.run();
  await setup.clock.advance(15 * A_SECOND);
  const started = sizes.reduce((sum, size) => sum + size, 0);
  assert(started <= 300 && started >= 280, `${started} documents`);
  assertEquals(Math.max(...sizes), 20);
  assertLess(sizes.length, 31);
  setup.agent.drain("test");
  await running;
});

Deno.test("RATE_LIMIT below one a second makes batches of one", async () => {
  const sizes: number[] = [];
  const processBatch: BatchProcessor = (documents) => {
    sizes.push(documents.length);
    return Promise.resolve(documents.map(() => undefined));
  };
  const setup = new AgentSetup({ kind: "batch", processBatch }, {}, { limit: THREE_A_MINUTE });
  setup.store.insert(10);
  const running = setup.agent.run();
  await setup.clock.advance(A_MINUTE);
  assertEquals(sizes, [1, 1, 1]);
  setup.agent.drain("test");
  await running;
});

Deno.test("RATE_LIMIT counts suspects, each of which is claimed right before it may start", async () => {
  const setup = new Limited({}, { limit: THREE_A_MINUTE });
  for (let n = 0; n < 4; n++) {
    setup.store.insert(1, { status: "processing", token: "gone", takeovers: 1, attempts: 1, visibleAtMs: 1 });
  }
  const running = setup.agent.run();
  await setup.clock.advance(2 * A_MINUTE);
  assertEquals(setup.store.statuses, { processed: 4 });
  assertLess(setup.mostWithin(A_MINUTE), 5);
  assertEquals(setup.recorder.of("runs_alone").length, 4);
  assertLess(setup.longestWaitMs, 1000);
  await setup.end(running);
});

Deno.test("RATE_LIMIT makes up for no pause: after a resume a second's worth starts at once, at most", async () => {
  const setup = new Limited({ batchSize: 100 }, { limit: TWENTY });
  setup.store.insert(200);
  const running = setup.agent.run();
  await setup.clock.advance(2 * A_SECOND);
  setup.gate.pause("signal");
  await settled();
  assertEquals(setup.store.statuses.processing, undefined);
  const before = setup.starts.length;
  await setup.clock.advance(A_MINUTE);
  assertEquals(setup.starts.length, before);
  setup.gate.resume("signal");
  await setup.clock.advance(A_SECOND);
  const after = setup.starts.length - before;
  assert(after >= 20 && after <= 40, `${after} in a second`);
  await setup.end(running);
});

Deno.test("RATE_LIMIT is no reason for a Job to wait longer than for one more document", async () => {
  const setup = new Limited({}, { limit: THREE_A_MINUTE, untilEmpty: true });
  setup.store.insert(3);
  const running = setup.agent.run();
  await setup.clock.advance(2 * A_MINUTE);
  assertEquals((await running).reason, "nothing is left");
  assertEquals(setup.starts.length, 3);
  assertEquals(setup.clock.pending, 0);
});

Deno.test("RATE_LIMIT does not keep an agent from draining", async () => {
  const setup = new Limited({ batchSize: 100 }, { limit: TWENTY });
  setup.store.insert(200);
  const running = setup.agent.run();
  await setup.clock.advance(1500);
  setup.agent.drain("SIGTERM");
  await running;
  assertEquals(setup.store.statuses.processing, undefined);
  assertEquals(setup.clock.pending, 0);
});

Deno.test("RATE_LIMIT is not made up for after a process was frozen", async () => {
  const setup = new Limited({ batchSize: 100 }, { limit: TWENTY });
  setup.store.insert(200);
  const running = setup.agent.run();
  await setup.clock.advance(A_SECOND);
  setup.clock.skip(20 * A_SECOND);
  const before = setup.starts.length;
  await setup.clock.advance(A_SECOND);
  assertLess(setup.starts.length - before, 41);
  await setup.end(running);
});

Deno.test("RateLimiter releases what would wait for long when the share shrinks, and claims nothing without one", async () => {
  const setup = new Limited({ batchSize: 100 }, { limit: TWENTY });
  setup.store.insert(200);
  const running = setup.agent.run();
  await setup.clock.advance(2 * A_SECOND);
  setup.limiter!.setShare({ fraction: 0.1, untilMs: Infinity });
  await settled();
  assertLess(setup.agent.held.documents, 5);
  await setup.clock.advance(20 * A_SECOND);
  // A second before the change, and one after it.
  assertLess(setup.longestWaitMs, 2000);
  setup.limiter!.setShare(NO_SHARE);
  await settled();
  assertEquals(setup.agent.held.documents, 0);
  const claims = setup.store.callsOf("claim").length;
  await setup.clock.advance(A_MINUTE);
  assertEquals(setup.store.callsOf("claim").length, claims);
  setup.limiter!.setShare({ fraction: 0.5, untilMs: setup.clock.monotonicMs() + 5000 });
  const before = setup.starts.length;
  await setup.clock.advance(A_MINUTE);
  // 10 a second for five seconds: then the share has run out.
  assertEquals(setup.starts.length - before, 49);
  await setup.end(running);
});

Deno.test("RateLimiter tells for how long the limit alone held the agent back, and not slow handlers", async () => {
  const setup = new Limited({ batchSize: 100 }, { limit: TWENTY });
  setup.store.insert(350);
  const running = setup.agent.run();
  await setup.clock.advance(15 * A_SECOND);
  assert(setup.limiter!.heldMs > 14_900, `${setup.limiter!.heldMs} ms`);
  await setup.end(running);

  const slow = new AgentSetup(
    () => new Promise((resolve) => slow.clock.after(2000, () => resolve(undefined))),
    {
      batchSize: 100,
    },
    { limit: TWENTY },
  );
  slow.store.insert(350);
  const alsoRunning = slow.agent.run();
  await slow.clock.advance(A_MINUTE);
  assertLess(slow.limiter!.heldMs, 2500);
  slow.agent.drain("test");
  await slow.clock.advance(5000);
  await alsoRunning;
});
