import { assert, assertEquals } from "@std/assert";
import { AgentHarness } from "../../support/agent_harness.ts";
import { settled } from "../../support/manual_clock.ts";

const done = () => {};

Deno.test("Agent processes what is pending and keeps up with what comes", async () => {
  const h = new AgentHarness(done);
  h.store.insert(25);
  const running = h.agent.run();
  await h.clock.advance(100);
  assertEquals(h.store.statuses, { processed: 25 });
  h.store.insert(5);
  await h.clock.advance(5000);
  await h.clock.advance(100);
  assertEquals(h.store.statuses, { processed: 30 });
  assertEquals(h.agent.held, { documents: 0, running: 0 });
  h.agent.drain("test");
  await running;
});

Deno.test("Agent goes through its states in order", async () => {
  const h = new AgentHarness(done);
  const states = () => h.recorder.of("state_changed").map(({ from, to }) => `${from} > ${to}`);
  assertEquals(h.agent.state, "starting");
  const running = h.agent.run();
  assertEquals(h.agent.state, "running");
  h.gate.pause("signal");
  h.gate.pause("file");
  h.gate.resume("signal");
  await settled();
  h.agent.drain("SIGTERM");
  h.gate.pause("signal");
  await running;
  h.gate.resume("signal");
  assertEquals(states(), [
    "starting > running",
    "running > paused",
    "paused > running",
    "running > draining",
    "draining > stopped",
  ]);
});

Deno.test("Agent starts paused where the gate is closed", async () => {
  const h = new AgentHarness(done);
  h.gate.pause("file");
  h.store.insert(1);
  const running = h.agent.run();
  assertEquals(h.agent.state, "paused");
  await h.clock.advance(60_000);
  assertEquals(h.store.callsOf("claim"), []);
  h.agent.drain("test");
  await running;
  assertEquals(h.store.statuses, { pending: 1 });
});

Deno.test("Agent wakes its loop on a pause and on a resume: it shows at once that it is paused, and claims at once", async () => {
  const h = new AgentHarness(done);
  const stage = () => h.recorder.of("progress").at(-1)?.stage;
  const running = h.agent.run();
  await settled();
  assertEquals(stage(), "idle");
  h.gate.pause("signal");
  await settled();
  assertEquals(stage(), "paused");
  h.store.insert(1);
  const claims = h.store.callsOf("claim").length;
  h.gate.resume("signal");
  await settled();
  assertEquals([h.store.callsOf("claim").length > claims, h.store.statuses.pending], [true, undefined]);
  h.agent.drain("test");
  await running;
});

Deno.test("Agent finishes what is in its handlers while it is paused, and releases what waits", async () => {
  const runs: (() => void)[] = [];
  const h = new AgentHarness(() => new Promise<void>((resolve) => runs.push(resolve)));
  h.store.insert(10);
  const running = h.agent.run();
  await settled();
  assertEquals(h.agent.held, { documents: 10, running: 4 });
  h.gate.pause("signal");
  await h.clock.advance(100);
  assertEquals(h.store.statuses, { processing: 4, pending: 6 });
  for (const end of runs) end();
  await h.clock.advance(100);
  assertEquals(h.store.statuses, { processed: 4, pending: 6 });
  assert(
    [...h.store.documents.values()].every(({ attempts, status }) =>
      attempts === (status === "pending" ? 0 : 1)
    ),
  );
  h.gate.resume("signal");
  await settled();
  for (const end of runs.splice(0)) end();
  assertEquals(h.agent.held.running, 4, "claims go on at once");
  h.agent.force("test");
  await h.clock.advance(500);
  await running;
});

Deno.test("Agent keeps its leases through a pause and through a drain", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const h = new AgentHarness(() => promise, { processTimeoutMs: 1e6, shutdownTimeoutMs: 1e6 });
  h.store.insert(1);
  const running = h.agent.run();
  await settled();
  h.gate.pause("signal");
  await h.clock.advance(120_000);
  assertEquals(h.store.callsOf("renew").length, 6);
  h.agent.drain("test");
  await h.clock.advance(120_000);
  assertEquals(h.store.callsOf("renew").length, 12);
  resolve();
  await running;
  assertEquals(h.store.statuses, { processed: 1 });
  assertEquals(h.clock.pending, 0);
});

Deno.test("Agent looks again when a retry that it scheduled is due, not at the next poll", async () => {
  let attempts = 0;
  const h = new AgentHarness(() => {
    attempts += 1;
    if (attempts === 1) throw Object.assign(new Error("busy"), { retryAfterMs: 300 });
  }, { pollIntervalMs: 60_000 });
  h.store.insert(1);
  const running = h.agent.run();
  await h.clock.advance(50);
  assertEquals(h.store.statuses, { pending: 1 });
  await h.clock.advance(450);
  assertEquals(h.store.statuses, { processed: 1 });
  assertEquals(attempts, 2);
  h.agent.drain("test");
  await running;
});

Deno.test("Agent makes a dead letter of what keeps failing, after MAX_ATTEMPTS", async () => {
  let runs = 0;
  const h = new AgentHarness(() => {
    runs += 1;
    throw new Error("never");
  });
  h.store.insert(1);
  const running = h.agent.run();
  await h.clock.advance(60_000);
  assertEquals(h.store.statuses, { failed: 1 });
  assertEquals(runs, 3);
  assertEquals(h.recorder.of("retried").map(({ attempt }) => attempt), [1, 2]);
  assertEquals(h.recorder.of("dead_lettered").map(({ attempt, error }) => ({ attempt, error })), [
    { attempt: 3, error: "never" },
  ]);
  h.agent.drain("test");
  await running;
});

Deno.test("Agent claims ahead, but never holds more than two batches", async () => {
  const h = new AgentHarness(() => new Promise<never>(() => {}), { processTimeoutMs: 1e6 });
  h.store.insert(100);
  const running = h.agent.run();
  await h.clock.advance(10_000);
  assertEquals(h.agent.held, { documents: 20, running: 4 });
  assertEquals(h.store.statuses, { pending: 80, processing: 20 });
  h.agent.force("test");
  await h.clock.advance(500);
  await running;
  assertEquals(h.store.statuses, { pending: 100 });
});
