import { assert, assertEquals } from "@std/assert";
import type { DrainReport } from "../../../agent/drain.ts";
import { AgentSetup } from "../../support/agent_setup.ts";
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
  const setup = new AgentSetup(processor, settings);
  setup.store.insert(10);
  let report: DrainReport | undefined;
  const running = setup.agent.run().then((value) => report = value);
  await settled();
  return { setup, running, report: () => report };
}

Deno.test("Agent.drain() finishes what runs, releases what waits, claims nothing and says so", async () => {
  const { processor, runs } = manual();
  const { setup, running, report } = await busy(processor);
  setup.agent.drain("SIGTERM");
  await setup.clock.advance(1000);
  assertEquals(report(), undefined);
  assertEquals(setup.store.statuses, { processing: 4, pending: 6 });
  const claims = setup.store.callsOf("claim").length;
  for (const run of runs) run.resolve();
  await running;
  assertEquals(report(), { reason: "SIGTERM", finished: 4, released: 6, abandoned: 0 });
  assertEquals(setup.store.statuses, { processed: 4, pending: 6 });
  assertEquals(setup.store.callsOf("claim").length, claims);
  assertEquals(setup.clock.pending, 0, "no timer is left behind");
  assertEquals(setup.recorder.of("drain_started"), [{
    type: "drain_started",
    reason: "SIGTERM",
    inFlight: 4,
  }]);
  assertEquals(setup.recorder.of("drain_finished").length, 1);
  assertEquals(setup.recorder.of("force_started"), []);
});

Deno.test("Agent.drain() counts only what was finished since it began", async () => {
  const { processor, runs } = manual();
  const { setup, running, report } = await busy(processor);
  for (const run of runs.slice(0, 2)) run.resolve();
  await setup.clock.advance(100);
  assertEquals(setup.store.statuses.processed, 2);
  setup.agent.drain("test");
  for (const run of runs) run.resolve();
  await running;
  assertEquals(report(), { reason: "test", finished: 4, released: 4, abandoned: 0 });
});

Deno.test("Agent.drain() counts failures as finished", async () => {
  const { processor, runs } = manual();
  const { setup, running, report } = await busy(processor, { maxAttempts: 1 });
  setup.agent.drain("test");
  for (const run of runs) run.reject(new Error("no"));
  await running;
  assertEquals(report(), { reason: "test", finished: 4, released: 6, abandoned: 0 });
  assertEquals(setup.store.statuses, { failed: 4, pending: 6 });
});

Deno.test("Agent.drain() writes all waiting outcomes at once", async () => {
  const { processor, runs } = manual();
  const { setup, running } = await busy(processor);
  runs[0]!.resolve();
  await settled();
  assertEquals(setup.store.callsOf("ack"), []);
  setup.agent.drain("test");
  await settled();
  assertEquals(setup.store.callsOf("ack").length, 1);
  assertEquals(setup.store.callsOf("release").length, 1);
  for (const run of runs) run.resolve();
  await setup.clock.advance(5);
  await running;
});

Deno.test("Agent.drain() forgets the retries that it had scheduled", async () => {
  const setup = new AgentSetup(() => {
    throw Object.assign(new Error("busy"), { retryAfterMs: 3_600_000 });
  });
  setup.store.insert(1);
  const running = setup.agent.run();
  await setup.recorder.next("retried");
  setup.agent.drain("test");
  await running;
  assertEquals(setup.clock.pending, 0);
});

Deno.test("Agent.drain() waits for acks that are still to be written", async () => {
  const { processor, runs } = manual();
  const { setup, running, report } = await busy(processor);
  const { go, reached } = setup.store.hold("ack");
  for (const run of runs) run.resolve();
  await setup.clock.advance(5);
  await reached.wait();
  setup.agent.drain("test");
  await setup.clock.advance(1000);
  assertEquals(report(), undefined);
  for (const run of runs) run.resolve();
  go();
  await setup.clock.advance(5);
  await running;
  assertEquals(report()!.abandoned, 0);
});

Deno.test("Agent.drain() waits for a claim under way and releases what it brings", async () => {
  const setup = new AgentSetup(() => {});
  setup.store.insert(3);
  const { go, reached } = setup.store.hold("claim");
  const running = setup.agent.run();
  await reached.wait();
  setup.agent.drain("test");
  await setup.clock.advance(10_000);
  assertEquals(setup.agent.state, "draining");
  go();
  assertEquals(await running, { reason: "test", finished: 0, released: 3, abandoned: 0 });
  assert(
    [...setup.store.documents.values()].every(({ attempts, status }) =>
      status === "pending" && attempts === 0
    ),
  );
});

Deno.test("Agent releases at its end what a claim without an answer had taken", async () => {
  const setup = new AgentSetup(() => {});
  setup.store.insert(3);
  setup.store.fail("claim", new TransientError("connection reset"), { applied: true });
  const running = setup.agent.run();
  await setup.recorder.next("claim_failed");
  setup.agent.drain("test");
  assertEquals(await running, { reason: "test", finished: 0, released: 3, abandoned: 0 });
  assertEquals(setup.store.statuses, { pending: 3 });
});

Deno.test("Agent.force() releases everything", async () => {
  const { processor } = manual();
  const { setup, running, report } = await busy(processor);
  setup.agent.drain("SIGTERM");
  await setup.clock.advance(1000);
  setup.agent.force("a second signal");
  await setup.clock.advance(500 + 5);
  await running;
  assertEquals(report(), { reason: "SIGTERM", finished: 0, released: 10, abandoned: 0 });
  assertEquals(setup.store.statuses, { pending: 10 });
  assert(
    [...setup.store.documents.values()].every(({ attempts }) => attempts === 0),
    "interruption is not failure",
  );
  assertEquals(setup.clock.pending, 0);
});

Deno.test("Agent.force() without a drain before it drains as well; a second force changes nothing", async () => {
  const { processor } = manual();
  const { setup, running } = await busy(processor);
  setup.agent.force("test");
  setup.agent.force("again");
  setup.agent.drain("again");
  await setup.clock.advance(505);
  await running;
  assertEquals(setup.recorder.of("force_started").map(({ reason }) => reason), ["test"]);
  assertEquals(setup.recorder.of("drain_started").length, 1);
});

Deno.test("Agent is forced once SHUTDOWN_TIMEOUT has passed, and not before", async () => {
  const { processor } = manual();
  const { setup, running } = await busy(processor, { shutdownTimeoutMs: 7000 });
  setup.agent.drain("SIGTERM");
  await setup.clock.advance(6999);
  assertEquals(setup.recorder.of("force_started"), []);
  await setup.clock.advance(1);
  assertEquals(setup.recorder.of("force_started"), [
    { type: "force_started", reason: "SHUTDOWN_TIMEOUT has passed", inFlight: 4 },
  ]);
  await setup.clock.advance(505);
  await running;
});

Deno.test("Agent with a SHUTDOWN_TIMEOUT of 0 is forced at once", async () => {
  const { processor } = manual();
  const { setup, running, report } = await busy(processor, { shutdownTimeoutMs: 0 });
  setup.agent.drain("SIGTERM");
  await setup.clock.advance(505);
  await running;
  assertEquals(report(), { reason: "SIGTERM", finished: 0, released: 10, abandoned: 0 });
});

Deno.test("Agent abandons, 3 s after it was forced, what cannot be written, and counts it", async () => {
  const { processor } = manual();
  const { setup, running, report } = await busy(processor);
  setup.store.fail("release", new TransientError("no primary"), { times: 1000 });
  setup.agent.force("test");
  await setup.clock.advance(2999);
  assertEquals(report(), undefined);
  await setup.clock.advance(1);
  await running;
  assertEquals(report(), { reason: "test", finished: 0, released: 0, abandoned: 10 });
  assertEquals(setup.agent.state, "stopped");
  assertEquals(setup.clock.pending, 0);
});

Deno.test("Agent counts what MongoDB refuses to take back as abandoned", async () => {
  const { processor } = manual();
  const { setup, running, report } = await busy(processor);
  setup.store.fail("release", new Error("a validator"), { times: 1000 });
  setup.agent.force("test");
  await setup.clock.advance(3000);
  await running;
  assertEquals(report(), { reason: "test", finished: 0, released: 0, abandoned: 10 });
});

Deno.test("Agent ends 3 s after it was forced although a claim never gets its answer", async () => {
  const setup = new AgentSetup(() => {});
  const { go, reached } = setup.store.hold("claim");
  const running = setup.agent.run();
  await reached.wait();
  setup.agent.drain("SIGTERM");
  await setup.clock.advance(30_000 + 3000);
  assertEquals((await running).abandoned, 0);
  go();
  await settled();
});

Deno.test("Agent that is drained before it runs claims nothing", async () => {
  const setup = new AgentSetup(() => {});
  setup.store.insert(3);
  setup.agent.drain("SIGTERM");
  assertEquals(await setup.agent.run(), { reason: "SIGTERM", finished: 0, released: 0, abandoned: 0 });
  assertEquals(setup.store.callsOf("claim"), []);
  assertEquals(setup.agent.state, "stopped");
  assertEquals(setup.clock.pending, 0);
});

Deno.test("Agent that is forced before it runs ends as well", async () => {
  const setup = new AgentSetup(() => {});
  setup.agent.force("test");
  await setup.agent.run();
  assertEquals(setup.agent.state, "stopped");
  assertEquals(setup.clock.pending, 0);
});
