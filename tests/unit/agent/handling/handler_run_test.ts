import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { ForcedStopError, LeaseLostError, ProcessTimeoutError } from "../../../../agent/errors.ts";
import { HandlerRunSetup, LIMIT_MS } from "../../../support/handler_run_setup.ts";
import { settled } from "../../../support/manual_clock.ts";

/** A handler that ends when the test says so. */
function gated() {
  const gate = Promise.withResolvers<unknown>();
  return { ...gate, process: () => gate.promise };
}

Deno.test("runHandler() gives the handler its document, and returns the fields that it returns", async () => {
  const run = new HandlerRunSetup(({ _id }, { attempt, idempotencyKey }) => ({
    set: { id: _id, attempt, idempotencyKey },
  }));
  await settled();
  const set = { id: 0, attempt: 1, idempotencyKey: "test.documents:0" };
  assertEquals(run.results?.map((result) => result.ok && result.set), [set]);
  assertEquals(run.clock.pending, 0);
});

Deno.test("runHandler() returns what the handler throws, at once or later", async () => {
  for (
    const process of [() => {
      throw new Error("no");
    }, () => Promise.reject(new Error("no"))]
  ) {
    const run = new HandlerRunSetup(process);
    await settled();
    assertEquals([String(run.error), run.leftBehind.count, run.clock.pending], ["Error: no", 0, 0]);
  }
});

Deno.test("runHandler() names the fields of a result that is ignored", async () => {
  const run = new HandlerRunSetup(() => ({ total: 1 }));
  await settled();
  assertEquals(run.recorder.of("result_ignored"), [{ type: "result_ignored", id: 0, fields: ["total"] }]);
});

Deno.test("runHandler() gives a handler up when its time is over, aborts it, and reports when it returns all the same", async () => {
  const { process, resolve } = gated();
  let signal: AbortSignal | undefined;
  const run = new HandlerRunSetup((_, context) => (signal = context.signal, process()));
  await run.clock.advance(LIMIT_MS - 1);
  assertEquals([run.results, signal?.aborted], [undefined, false]);
  await run.clock.advance(1);
  assertInstanceOf(run.error, ProcessTimeoutError);
  assertInstanceOf(signal?.reason, ProcessTimeoutError);
  assertEquals([run.leftBehind.count, run.recorder.of("handler_timed_out").length], [1, 1]);
  await run.clock.advance(500);
  resolve({ set: { late: true } });
  await settled();
  assertEquals(run.recorder.of("handler_returned_late"), [{
    type: "handler_returned_late",
    attempt: 1,
    id: 0,
    elapsedMs: LIMIT_MS + 500,
  }]);
  assertEquals([run.leftBehind.count, run.clock.pending], [0, 0]);
});

Deno.test("runHandler() takes the words of a processor that says more of why it was too late", async () => {
  const run = new HandlerRunSetup(async (_, { signal }) => {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    throw new ProcessTimeoutError("too long, and silent");
  });
  await run.clock.advance(LIMIT_MS);
  assertEquals((run.error as Error).message, "too long, and silent");
});

Deno.test("runHandler() lets a handler return what it just finished when the agent is forced to stop, for half a second", async () => {
  for (const [afterMs, isInTime] of [[499, true], [500, false]] as const) {
    const { process, resolve } = gated();
    const run = new HandlerRunSetup(process);
    run.held[0]!.abort.abort(new ForcedStopError("forced"));
    await run.clock.advance(afterMs);
    resolve(undefined);
    await settled();
    assertEquals(run.results?.[0]?.ok, isInTime);
    assert(isInTime || run.error instanceof ForcedStopError);
    assertEquals([run.leftBehind.count, run.clock.pending], [0, 0]);
  }
});

Deno.test("runHandler() takes the failure of a handler that was aborted for the abort", async () => {
  const run = new HandlerRunSetup((_, { signal }) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("fetch failed"))))
  );
  run.held[0]!.abort.abort(new ForcedStopError("forced"));
  await settled();
  assertInstanceOf(run.error, ForcedStopError);
});

Deno.test("runHandler() gives a handler up as soon as its lease is lost", async () => {
  const { process, resolve } = gated();
  const run = new HandlerRunSetup(process);
  run.held[0]!.abort.abort(new LeaseLostError("lost"));
  await run.clock.advance(0);
  assertInstanceOf(run.error, LeaseLostError);
  assertEquals(run.leftBehind.count, 1);
  resolve(undefined);
  await settled();
  assertEquals(run.leftBehind.count, 0);
});

Deno.test("runHandler() goes on with a batch until the leases of all its documents are lost", async () => {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  let signal: AbortSignal | undefined;
  const processBatch = (_: unknown, context: { signal: AbortSignal }) => (signal = context.signal, promise);
  const run = new HandlerRunSetup({ kind: "batch", processBatch }, { documents: 2 });
  run.held[0]!.abort.abort(new LeaseLostError("lost"));
  await run.clock.advance(10);
  assertEquals([run.results, signal?.aborted], [undefined, false]);
  run.held[1]!.abort.abort(new LeaseLostError("lost"));
  await run.clock.advance(0);
  assertEquals([run.results?.map(({ ok }) => ok), signal?.aborted], [[false, false], true]);
  resolve([]);
  await settled();
});

Deno.test("runHandler() aborts a batch at once when the agent is forced to stop", async () => {
  const run = new HandlerRunSetup({ kind: "batch", processBatch: () => new Promise(() => {}) }, {
    documents: 2,
  });
  run.held[1]!.abort.abort(new ForcedStopError("forced"));
  await run.clock.advance(500);
  assertEquals(run.results?.map((result) => !result.ok && (result.error as Error).name), [
    "ForcedStopError",
    "ForcedStopError",
  ]);
});

Deno.test("runHandler() gives a batch its attempts and keys in order, and each document its own result", async () => {
  let given: unknown;
  const run = new HandlerRunSetup({
    kind: "batch",
    processBatch: (documents, { attempts, idempotencyKeys }) => {
      given = [documents.map(({ _id }) => _id), attempts, idempotencyKeys];
      return [{ set: { n: 1 } }, new Error("no")];
    },
  }, { documents: 2 });
  await settled();
  assertEquals(given, [[0, 1], [1, 2], ["test.documents:0", "test.documents:1"]]);
  assertEquals(run.results?.map(({ ok }) => ok), [true, false]);
});
