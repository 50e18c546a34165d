import { assert, assertEquals } from "@std/assert";
import type { DrainReport } from "../../../agent/drain.ts";
import { AgentHarness } from "../../support/agent_harness.ts";
import { TransientError } from "../../support/fake_store.ts";
import { settled } from "../../support/manual_clock.ts";

/** Handlers whose end a test decides on. */
function manual() {
  const runs: PromiseWithResolvers<void>[] = [];
  const processor = () => {
    const run = Promise.withResolvers<void>();
    runs.push(run);
    return run.promise;
  };
  return { runs, processor };
}

/** An agent of 4 handlers with 10 documents claimed, and a look at whether it has stopped. */
async function busy(processor: () => unknown, settings = {}) {
  const h = new AgentHarness(processor, settings);
  h.store.insert(10);
  let report: DrainReport | undefined;
  const running = h.agent.run().then((value) => report = value);
  await settled();
  return { h, running, report: () => report };
}

Deno.test("Agent.drain() finishes what runs, releases what waits, claims nothing and says so", async () => {
  const { processor, runs } = manual();
  const { h, running, report } = await busy(processor);
  h.agent.drain("SIGTERM");
  await h.clock.advance(1000);
  assertEquals(report(), undefined);
  assertEquals(h.store.statuses, { processing: 4, pending: 6 });
  const claims = h.store.callsOf("claim").length;
  for (const run of runs) run.resolve();
  await running;
  assertEquals(report(), { reason: "SIGTERM", finished: 4, released: 6, abandoned: 0 });
  assertEquals(h.store.statuses, { processed: 4, pending: 6 });
  assertEquals(h.store.callsOf("claim").length, claims);
  assertEquals(h.clock.pending, 0, "no timer is left behind");
  assertEquals(h.recorder.of("drain_started"), [{ type: "drain_started", reason: "SIGTERM", inFlight: 4 }]);
  assertEquals(h.recorder.of("drain_finished").length, 1);
  assertEquals(h.recorder.of("force_started"), []);
});

Deno.test("Agent.drain() counts only what was finished since it began", async () => {
  const { processor, runs } = manual();
  const { h, running, report } = await busy(processor);
  for (const run of runs.slice(0, 2)) run.resolve();
  await h.clock.advance(100);
  assertEquals(h.store.statuses.processed, 2);
  h.agent.drain("test");
  for (const run of runs) run.resolve();
  await running;
  assertEquals(report(), { reason: "test", finished: 4, released: 4, abandoned: 0 });
});

Deno.test("Agent.drain() counts failures as finished", async () => {
  const { processor, runs } = manual();
  const { h, running, report } = await busy(processor, { maxAttempts: 1 });
  h.agent.drain("test");
  for (const run of runs) run.reject(new Error("no"));
  await running;
  assertEquals(report(), { reason: "test", finished: 4, released: 6, abandoned: 0 });
  assertEquals(h.store.statuses, { failed: 4, pending: 6 });
});

Deno.test("Agent.drain() writes at once what waits for company", async () => {
  const { processor, runs } = manual();
  const { h, running } = await busy(processor);
  runs[0]!.resolve();
  await settled();
  assertEquals(h.store.callsOf("ack"), []);
  h.agent.drain("test");
  await settled();
  assertEquals(h.store.callsOf("ack").length, 1);
  assertEquals(h.store.callsOf("release").length, 1);
  for (const run of runs) run.resolve();
  await h.clock.advance(5);
  await running;
});

Deno.test("Agent.drain() forgets the retries that it had scheduled", async () => {
  const h = new AgentHarness(() => {
    throw Object.assign(new Error("busy"), { retryAfterMs: 3_600_000 });
  });
  h.store.insert(1);
  const running = h.agent.run();
  await h.recorder.next("retried");
  h.agent.drain("test");
  await running;
  assertEquals(h.clock.pending, 0);
});

Deno.test("Agent.drain() waits for acks that are still to be written", async () => {
  const { processor, runs } = manual();
  const { h, running, report } = await busy(processor);
  const { go, reached } = h.store.hold("ack");
  for (const run of runs) run.resolve();
  await h.clock.advance(5);
  await reached.wait();
  h.agent.drain("test");
  await h.clock.advance(1000);
  assertEquals(report(), undefined);
  for (const run of runs) run.resolve();
  go();
  await h.clock.advance(5);
  await running;
  assertEquals(report()!.abandoned, 0);
});

Deno.test("Agent.drain() waits for a claim under way and releases what it brings", async () => {
  const h = new AgentHarness(() => {});
  h.store.insert(3);
  const { go, reached } = h.store.hold("claim");
  const running = h.agent.run();
  await reached.wait();
  h.agent.drain("test");
  await h.clock.advance(10_000);
  assertEquals(h.agent.state, "draining");
  go();
  assertEquals(await running, { reason: "test", finished: 0, released: 3, abandoned: 0 });
  assert(
    [...h.store.documents.values()].every(({ attempts, status }) => status === "pending" && attempts === 0),
  );
});

Deno.test("Agent releases at its end what a claim without an answer had taken", async () => {
  const h = new AgentHarness(() => {});
  h.store.insert(3);
  h.store.fail("claim", new TransientError("connection reset"), { applied: true });
  const running = h.agent.run();
  await h.recorder.next("claim_failed");
  h.agent.drain("test");
  assertEquals(await running, { reason: "test", finished: 0, released: 3, abandoned: 0 });
  assertEquals(h.store.statuses, { pending: 3 });
});

Deno.test("Agent.force() hands everything back", async () => {
  const { processor } = manual();
  const { h, running, report } = await busy(processor);
  h.agent.drain("SIGTERM");
  await h.clock.advance(1000);
  h.agent.force("a second signal");
  await h.clock.advance(500 + 5);
  await running;
  assertEquals(report(), { reason: "SIGTERM", finished: 0, released: 10, abandoned: 0 });
  assertEquals(h.store.statuses, { pending: 10 });
  assert(
    [...h.store.documents.values()].every(({ attempts }) => attempts === 0),
    "interruption is not failure",
  );
  assertEquals(h.clock.pending, 0);
});

Deno.test("Agent.force() without a drain before it drains as well; a second force changes nothing", async () => {
  const { processor } = manual();
  const { h, running } = await busy(processor);
  h.agent.force("test");
  h.agent.force("again");
  h.agent.drain("again");
  await h.clock.advance(505);
  await running;
  assertEquals(h.recorder.of("force_started").map(({ reason }) => reason), ["test"]);
  assertEquals(h.recorder.of("drain_started").length, 1);
});

Deno.test("Agent is forced once SHUTDOWN_TIMEOUT has passed, and not before", async () => {
  const { processor } = manual();
  const { h, running } = await busy(processor, { shutdownTimeoutMs: 7000 });
  h.agent.drain("SIGTERM");
  await h.clock.advance(6999);
  assertEquals(h.recorder.of("force_started"), []);
  await h.clock.advance(1);
  assertEquals(h.recorder.of("force_started"), [
    { type: "force_started", reason: "SHUTDOWN_TIMEOUT has passed", inFlight: 4 },
  ]);
  await h.clock.advance(505);
  await running;
});

Deno.test("Agent with a SHUTDOWN_TIMEOUT of 0 is forced at once", async () => {
  const { processor } = manual();
  const { h, running, report } = await busy(processor, { shutdownTimeoutMs: 0 });
  h.agent.drain("SIGTERM");
  await h.clock.advance(505);
  await running;
  assertEquals(report(), { reason: "SIGTERM", finished: 0, released: 10, abandoned: 0 });
});

Deno.test("Agent abandons, 3 s after it was forced, what cannot be written, and counts it", async () => {
  const { processor } = manual();
  const { h, running, report } = await busy(processor);
  h.store.fail("release", new TransientError("no primary"), { times: 1000 });
  h.agent.force("test");
  await h.clock.advance(2999);
  assertEquals(report(), undefined);
  await h.clock.advance(1);
  await running;
  assertEquals(report(), { reason: "test", finished: 0, released: 0, abandoned: 10 });
  assertEquals(h.agent.state, "stopped");
  assertEquals(h.clock.pending, 0);
});

Deno.test("Agent counts what MongoDB refuses to take back as abandoned", async () => {
  const { processor } = manual();
  const { h, running, report } = await busy(processor);
  h.store.fail("release", new Error("a validator"), { times: 1000 });
  h.agent.force("test");
  await h.clock.advance(3000);
  await running;
  assertEquals(report(), { reason: "test", finished: 0, released: 0, abandoned: 10 });
});

Deno.test("Agent ends 3 s after it was forced although a claim never gets its answer", async () => {
  const h = new AgentHarness(() => {});
  const { go, reached } = h.store.hold("claim");
  const running = h.agent.run();
  await reached.wait();
  h.agent.drain("SIGTERM");
  await h.clock.advance(30_000 + 3000);
  assertEquals((await running).abandoned, 0);
  go();
  await settled();
});

Deno.test("Agent that is drained before it runs claims nothing", async () => {
  const h = new AgentHarness(() => {});
  h.store.insert(3);
  h.agent.drain("SIGTERM");
  assertEquals(await h.agent.run(), { reason: "SIGTERM", finished: 0, released: 0, abandoned: 0 });
  assertEquals(h.store.callsOf("claim"), []);
  assertEquals(h.agent.state, "stopped");
  assertEquals(h.clock.pending, 0);
});

Deno.test("Agent that is forced before it runs ends as well", async () => {
  const h = new AgentHarness(() => {});
  h.agent.force("test");
  await h.agent.run();
  assertEquals(h.agent.state, "stopped");
  assertEquals(h.clock.pending, 0);
});
