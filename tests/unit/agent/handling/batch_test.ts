import { assert, assertEquals, assertMatch } from "@std/assert";
import { PermanentError } from "../../../../agent/errors.ts";
import type { BatchContext, BatchProcessor } from "../../../../agent/processors/processor.ts";
import { AgentSetup } from "../../../support/agent_setup.ts";
import { settled } from "../../../support/manual_clock.ts";

async function batchOf(processBatch: BatchProcessor, count: number, settings = {}) {
  const setup = new AgentSetup({ kind: "batch", processBatch }, { maxAttempts: 1, ...settings });
  const ids = setup.store.insert(count) as string[];
  const running = setup.agent.run();
  await settled();
  return {
    setup,
    ids,
    statusOf: (id: string) => setup.store.documents.get(id)!,
    async end() {
      setup.agent.force("the test is over");
      await setup.clock.advance(60_000);
      await running;
    },
  };
}

Deno.test("processBatch answers for each document: done, fields, an error, a permanent error, a wrong result", async () => {
  const { setup, ids, statusOf, end } = await batchOf(
    () => [undefined, { set: { n: 1 } }, new Error("not now"), new PermanentError("never"), {
      set: { status: 1 },
    }, "whatever"],
    6,
    // One that is tried again within the test would have run twice: the wait is drawn at random.
    { maxAttempts: 3, retryBackoffMs: 3_600_000, retryBackoffMaxMs: 3_600_000 },
  );
  await setup.clock.advance(100);
  assertEquals(ids.map((id) => statusOf(id).status), [
    "processed",
    "processed",
    "pending",
    "failed",
    "failed",
    "processed",
  ]);
  assertEquals(statusOf(ids[1]!).fields, { n: 1 });
  assertEquals([statusOf(ids[2]!).error, statusOf(ids[3]!).error], ["not now", "never"]);
  assertMatch(statusOf(ids[4]!).error!, /"status" belongs to the agent/);
  await end();
});

for (
  const [what, processBatch, error] of [
    [
      "returns too few answers",
      () => [undefined],
      /array with an entry for each of its 3 documents, not an array of 1/,
    ],
    ["returns too many answers", () => new Array(4), /not an array of 4/],
    ["returns nothing", () => undefined, /not undefined/],
    ["throws", () => {
      throw new Error("all of it");
    }, /^all of it$/],
    ["rejects", () => Promise.reject(new Error("all of it")), /^all of it$/],
  ] as [string, BatchProcessor, RegExp][]
) {
  Deno.test(`processBatch: a batch whose processor ${what} has failed as a whole`, async () => {
    const { ids, statusOf, end } = await batchOf(processBatch, 3);
    for (const id of ids) {
      assertEquals(statusOf(id).status, "failed");
      assertMatch(statusOf(id).error!, error);
    }
    await end();
  });
}

Deno.test("processBatch answers with a hole for a document: that one has failed, its neighbours have not", async () => {
  const { setup, ids, statusOf, end } = await batchOf(() => {
    const answers = new Array(3);
    answers[0] = answers[2] = undefined;
    return answers;
  }, 3);
  assertEquals(setup.store.statuses, { processed: 2, failed: 1 });
  assertMatch(statusOf(ids[1]!).error!, /without an entry 1/);
  await end();
});

Deno.test("processBatch answers with promises, or with records of allSettled: each is its own document's", async () => {
  const work = ({ _id }: { _id?: unknown }) =>
    String(_id) === "d2" ? Promise.reject(new Error("declined")) : Promise.resolve({ set: { done: _id } });
  for (
    const processBatch of [
      (documents) => documents.map(work),
      (documents) => Promise.allSettled(documents.map(work)),
    ] as BatchProcessor[]
  ) {
    const { ids, statusOf, end } = await batchOf(processBatch, 3);
    assertEquals(ids.map((id) => [statusOf(id).status, statusOf(id).fields.done ?? statusOf(id).error]), [
      ["processed", "d1"],
      ["failed", "declined"],
      ["processed", "d3"],
    ]);
    await end();
  }
});

Deno.test("processBatch is never given more than BATCH_SIZE documents, and is told attempts and keys in their order", async () => {
  const sizes: number[] = [];
  const { setup, end } = await batchOf(
    (documents, context: BatchContext) => {
      sizes.push(documents.length);
      assertEquals(context.attempts, documents.map(() => 1));
      assertEquals(context.idempotencyKeys, documents.map(({ _id }) => `test.documents:"${_id}"`));
      return documents.map(() => undefined);
    },
    47,
    { batchSize: 10 },
  );
  await setup.clock.advance(1000);
  assertEquals(setup.store.statuses, { processed: 47 });
  assert(sizes.every((size) => size >= 1 && size <= 10), sizes.join());
  assertEquals(sizes.reduce((sum, size) => sum + size, 0), 47);
  await end();
});

Deno.test("processBatch: a batch that takes longer than PROCESS_TIMEOUT is aborted and has failed as a whole", async () => {
  const signals: AbortSignal[] = [];
  const { setup, ids, statusOf, end } = await batchOf((_, { signal }) => {
    signals.push(signal);
    return new Promise(() => {});
  }, 3);
  await setup.clock.advance(20_000);
  assertEquals([signals.length, signals[0]!.aborted], [1, true]);
  for (const id of ids) assertMatch(statusOf(id).error!, /longer than PROCESS_TIMEOUT/);
  await end();
});

Deno.test("processBatch: a document of a batch that loses its lease does not stop the others; when all have, the batch is told", async () => {
  const signals: AbortSignal[] = [];
  const { setup, ids, end } = await batchOf(
    (_, { signal }) => {
      signals.push(signal);
      return new Promise(() => {});
    },
    2,
    { processTimeoutMs: 600_000 },
  );
  setup.store.steal(ids[0]);
  await setup.clock.advance(30_000);
  assertEquals(signals[0]!.aborted, false);
  setup.store.steal(ids[1]);
  await setup.clock.advance(30_000);
  assertEquals(signals[0]!.reason?.name, "LeaseLostError");
  await end();
});

Deno.test("processBatch: a forced stop aborts the batch and releases all of it", async () => {
  const { setup, end } = await batchOf(
    (_, { signal }) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
    3,
  );
  await end();
  assertEquals(setup.store.statuses, { pending: 3 });
  assert([...setup.store.documents.values()].every(({ attempts }) => attempts === 0));
});
