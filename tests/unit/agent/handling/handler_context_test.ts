import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { LeaseLostError, PermanentError, StoppingError } from "../../../../agent/errors.ts";
import { HandlerRunSetup } from "../../../support/handler_run_setup.ts";
import type { ProcessorContext } from "../../../../agent/processors/processor.ts";
import { settled } from "../../../support/manual_clock.ts";
import { AgentSetup } from "../../../support/agent_setup.ts";
import type { FakeDocument } from "../../../support/fake_document.ts";

/** A run whose handler does nothing until the test ends it, and its context. */
function opened(given: Partial<FakeDocument> = {}) {
  const gate = Promise.withResolvers<unknown>();
  let context!: ProcessorContext;
  const run = new HandlerRunSetup((_, its) => {
    context = its;
    return gate.promise;
  }, { document: given });
  return { run, context, end: gate.resolve };
}

Deno.test("HandlerContext gives what an earlier run has saved", () => {
  assertEquals(opened().context.saved, undefined);
  assertEquals(opened({ saved: { n: 4, data: { page: 2 } } }).context.saved, { page: 2 });
});

Deno.test("HandlerContext.checkpoint() hands a copy to what writes it, and needs no this", async () => {
  const { run, context: { checkpoint } } = opened({ saved: { n: 4, data: 0 } });
  const data = { page: 1 };
  const written = checkpoint(data);
  data.page = 2;
  assertEquals(run.saving, [{ n: 5, data: { page: 1 } }]);
  run.held[0]!.document.checkpoints!.written({ n: 5, data });
  await written;
});

Deno.test("HandlerContext.checkpoint() throws at once what cannot be written", () => {
  const { run, context } = opened();
  assertThrows(() => context.checkpoint(undefined), PermanentError, "Cannot write the checkpoint");
  assertEquals(run.saving, []);
});

Deno.test("HandlerContext.checkpoint() does nothing once the run has ended, and says so", async () => {
  const { run, context, end } = opened();
  end(undefined);
  await settled();
  const late = context.checkpoint(1);
  assertEquals(run.saving, []);
  await assertRejects(() => late, Error, "The run of the document has ended");
});

Deno.test("HandlerContext.checkpoint() rejects with the reason of the signal if the lease is lost", async () => {
  const { run, context } = opened();
  const early = context.checkpoint(1);
  run.held[0]!.abort.abort(new LeaseLostError("lost"));
  await run.clock.advance(0);
  await assertRejects(() => early, LeaseLostError);
  await assertRejects(() => context.checkpoint(2), LeaseLostError);
  assertEquals(run.saving.length, 1);
});

Deno.test("HandlerContext reports one refused checkpoint a run", () => {
  const { run, context } = opened({ id: "a" });
  for (const data of [1, 2]) {
    context.checkpoint(data);
    run.held[0]!.document.checkpoints!.refused({ n: data, data }, new Error("too large"));
  }
  assertEquals(run.recorder.of("checkpoint_refused").map(({ id }) => id), ["a"]);
});

Deno.test("HandlerContext.stopping is aborted when the agent drains, for runs that have begun and for later ones", () => {
  const { run, context } = opened();
  assert(!context.stopping.aborted);
  run.stopNotice.give(new StoppingError("drains"));
  assertEquals([context.stopping.aborted, context.stopping.reason.name, context.signal.aborted], [
    true,
    "StoppingError",
    false,
  ]);
  run.stopNotice.give(new Error("again"));
  assertEquals(run.stopNotice.follow().signal.reason.name, "StoppingError");
});

Deno.test("HandlerContext.stopping of a run that is over hears nothing any more", async () => {
  const { run, context, end } = opened();
  const { stopping } = context;
  end(undefined);
  await settled();
  run.stopNotice.give(new StoppingError("drains"));
  assert(!stopping.aborted);
});

Deno.test("Agent releases the document of a handler that throws the reason of stopping, with its checkpoint", async () => {
  const setup = new AgentSetup(async (_, { checkpoint, stopping }) => {
    checkpoint({ page: 7 });
    await new Promise((resolve) => stopping.addEventListener("abort", resolve));
    stopping.throwIfAborted();
  });
  setup.store.insert(1);
  const stopped = setup.agent.run();
  await settled();
  setup.agent.drain("the test says so");
  const { released, abandoned } = await stopped;
  assertEquals([released, abandoned], [1, 0]);
  const { attempts, saved, snoozes, status } = setup.store.documents.get("d1")!;
  assertEquals([status, attempts, snoozes, saved], ["pending", 0, 0, { n: 1, data: { page: 7 } }]);
});
