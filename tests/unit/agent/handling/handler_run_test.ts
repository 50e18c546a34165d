import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { ForcedStopError, LeaseLostError, ProcessTimeoutError } from "../../../../agent/errors.ts";
import { Events } from "../../../../agent/events.ts";
import { runHandler } from "../../../../agent/handling/handler_run.ts";
import { SharedDeadline } from "../../../../agent/handling/shared_deadline.ts";
import { LeftBehind } from "../../../../agent/handling/left_behind.ts";
import { type Held, Ledger } from "../../../../agent/leases/ledger.ts";
import type { Processing, Processor } from "../../../../agent/processors/processor.ts";
import type { HandlerResult } from "../../../../agent/settling/outcome.ts";
import { SILENT_LOGS } from "../../../support/agent_setup.ts";
import { EventRecorder } from "../../../support/event_recorder.ts";
import { fakeDocument } from "../../../support/fake_document.ts";
import { ManualClock, settled } from "../../../support/manual_clock.ts";
import { TARGETS } from "../../../support/results.ts";

const LIMIT_MS = 1000;

/** One run of a handler, by a clock in the test's hands. */
class Run {
  readonly clock = new ManualClock();
  readonly leftBehind = new LeftBehind();
  readonly recorder: EventRecorder;
  readonly held: Held[];
  /** Undefined as long as the run goes on. */
  results: HandlerResult[] | undefined;

  constructor(processing: Processor | Processing, documents = 1) {
    const { clock, leftBehind } = this;
    const events = new Events();
    const ledger = new Ledger();
    this.recorder = new EventRecorder(events);
    this.held = Array.from(
      { length: documents },
      (_, id) => ledger.add(fakeDocument({ id, attempt: id + 1 })),
    );
    runHandler(this.held, {
      clock,
      events,
      leftBehind,
      processing: typeof processing === "function" ? { kind: "single", process: processing } : processing,
      processTimeoutMs: LIMIT_MS,
      timeLimit: new SharedDeadline(clock, LIMIT_MS),
      logs: SILENT_LOGS,
      targets: TARGETS,
    }).then((results) => this.results = results);
  }

  /** What the first document's failure was. */
  get error(): unknown {
    const [result] = this.results ?? [];
    return result && !result.ok ? result.error : undefined;
  }
}

/** A handler that ends when the test says so. */
function gated() {
  const gate = Promise.withResolvers<unknown>();
  return { ...gate, process: () => gate.promise };
}

Deno.test("runHandler() gives the handler its document, and returns the fields that it returns", async () => {
  const run = new Run(({ _id }, { attempt, idempotencyKey }) => ({
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
    const run = new Run(process);
    await settled();
    assertEquals([String(run.error), run.leftBehind.count, run.clock.pending], ["Error: no", 0, 0]);
  }
});

Deno.test("runHandler() names the fields of a result that is ignored", async () => {
  const run = new Run(() => ({ total: 1 }));
  await settled();
  assertEquals(run.recorder.of("result_ignored"), [{ type: "result_ignored", id: 0, fields: ["total"] }]);
});

Deno.test("runHandler() gives a handler up when its time is over, aborts it, and reports when it returns all the same", async () => {
  const { process, resolve } = gated();
  let signal: AbortSignal | undefined;
  const run = new Run((_, context) => (signal = context.signal, process()));
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
    id: 0,
    elapsedMs: LIMIT_MS + 500,
  }]);
  assertEquals([run.leftBehind.count, run.clock.pending], [0, 0]);
});

Deno.test("runHandler() takes the words of a processor that says more of why it was too late", async () => {
  const run = new Run(async (_, { signal }) => {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    throw new ProcessTimeoutError("too long, and silent");
  });
  await run.clock.advance(LIMIT_MS);
  assertEquals((run.error as Error).message, "too long, and silent");
});

Deno.test("runHandler() lets a handler return what it just finished when the agent is forced to stop, for half a second", async () => {
  for (const [afterMs, isInTime] of [[499, true], [500, false]] as const) {
    const { process, resolve } = gated();
    const run = new Run(process);
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
  const run = new Run((_, { signal }) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("fetch failed"))))
  );
  run.held[0]!.abort.abort(new ForcedStopError("forced"));
  await settled();
  assertInstanceOf(run.error, ForcedStopError);
});

Deno.test("runHandler() gives a handler up as soon as its lease is lost", async () => {
  const { process, resolve } = gated();
  const run = new Run(process);
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
  const run = new Run({ kind: "batch", processBatch }, 2);
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
  const run = new Run({ kind: "batch", processBatch: () => new Promise(() => {}) }, 2);
  run.held[1]!.abort.abort(new ForcedStopError("forced"));
  await run.clock.advance(500);
  assertEquals(run.results?.map((result) => !result.ok && (result.error as Error).name), [
    "ForcedStopError",
    "ForcedStopError",
  ]);
});

Deno.test("runHandler() gives a batch its attempts and keys in order, and each document its own result", async () => {
  let given: unknown;
  const run = new Run({
    kind: "batch",
    processBatch: (documents, { attempts, idempotencyKeys }) => {
      given = [documents.map(({ _id }) => _id), attempts, idempotencyKeys];
      return [{ set: { n: 1 } }, new Error("no")];
    },
  }, 2);
  await settled();
  assertEquals(given, [[0, 1], [1, 2], ["test.documents:0", "test.documents:1"]]);
  assertEquals(run.results?.map(({ ok }) => ok), [true, false]);
});
