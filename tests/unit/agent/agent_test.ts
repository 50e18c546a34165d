import { assert, assertEquals } from "@std/assert";
import { AgentSetup } from "../../support/agent_setup.ts";
import { settled } from "../../support/manual_clock.ts";

const done = () => {};

Deno.test("Agent processes what is pending and keeps up with what comes", async () => {
  const setup = new AgentSetup(done);
  setup.store.insert(25);
  const running = setup.agent.run();
  await setup.clock.advance(100);
  assertEquals(setup.store.statuses, { processed: 25 });
  setup.store.insert(5);
  await setup.clock.advance(5000);
  await setup.clock.advance(100);
  assertEquals(setup.store.statuses, { processed: 30 });
  assertEquals(setup.agent.held, { documents: 0, running: 0 });
  setup.agent.drain("test");
  await running;
});

Deno.test("Agent goes through its states in order", async () => {
  const setup = new AgentSetup(done);
  const states = () => setup.recorder.of("state_changed").map(({ from, to }) => `${from} > ${to}`);
  assertEquals(setup.agent.state, "starting");
  const running = setup.agent.run();
  assertEquals(setup.agent.state, "running");
  setup.gate.pause("signal");
  setup.gate.pause("file");
  setup.gate.resume("signal");
  await settled();
  setup.agent.drain("SIGTERM");
  setup.gate.pause("signal");
  await running;
  setup.gate.resume("signal");
  assertEquals(states(), [
    "starting > running",
    "running > paused",
    "paused > running",
    "running > draining",
    "draining > stopped",
  ]);
});

Deno.test("Agent starts paused if the gate is closed", async () => {
  const setup = new AgentSetup(done);
  setup.gate.pause("file");
  setup.store.insert(1);
  const running = setup.agent.run();
  assertEquals(setup.agent.state, "paused");
  await setup.clock.advance(60_000);
  assertEquals(setup.store.callsOf("claim"), []);
  setup.agent.drain("test");
  await running;
  assertEquals(setup.store.statuses, { pending: 1 });
});

Deno.test("Agent wakes its loop on a pause and on a resume: it shows at once that it is paused, and claims at once", async () => {
  const setup = new AgentSetup(done);
  const stage = () => setup.recorder.of("progress").at(-1)?.stage;
  const running = setup.agent.run();
  await settled();
  assertEquals(stage(), "idle");
  setup.gate.pause("signal");
  await settled();
  assertEquals(stage(), "paused");
  setup.store.insert(1);
  const claims = setup.store.callsOf("claim").length;
  setup.gate.resume("signal");
  await settled();
  assertEquals([setup.store.callsOf("claim").length, setup.store.statuses.pending], [claims + 1, undefined]);
  setup.agent.drain("test");
  await running;
});

Deno.test("Agent finishes what is in its handlers while it is paused, and releases what waits", async () => {
  const runs: (() => void)[] = [];
  const setup = new AgentSetup(() => new Promise<void>((resolve) => runs.push(resolve)));
  setup.store.insert(10);
  const running = setup.agent.run();
  await settled();
  assertEquals(setup.agent.held, { documents: 10, running: 4 });
  setup.gate.pause("signal");
  await setup.clock.advance(100);
  assertEquals(setup.store.statuses, { processing: 4, pending: 6 });
  for (const end of runs) end();
  await setup.clock.advance(100);
  assertEquals(setup.store.statuses, { processed: 4, pending: 6 });
  assert(
    [...setup.store.documents.values()].every(({ attempts, status }) =>
      attempts === (status === "pending" ? 0 : 1)
    ),
  );
  setup.gate.resume("signal");
  await settled();
  for (const end of runs.splice(0)) end();
  assertEquals(setup.agent.held.running, 4, "claims go on at once");
  setup.agent.force("test");
  await setup.clock.advance(500);
  await running;
});

Deno.test("Agent keeps its leases through a pause and through a drain", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const setup = new AgentSetup(() => promise, { processTimeoutMs: 1e6, shutdownTimeoutMs: 1e6 });
  setup.store.insert(1);
  const running = setup.agent.run();
  await settled();
  setup.gate.pause("signal");
  await setup.clock.advance(120_000);
  assertEquals(setup.store.callsOf("renew").length, 6);
  setup.agent.drain("test");
  await setup.clock.advance(120_000);
  assertEquals(setup.store.callsOf("renew").length, 12);
  resolve();
  await running;
  assertEquals(setup.store.statuses, { processed: 1 });
  assertEquals(setup.clock.pending, 0);
});

Deno.test("Agent looks again when a retry that it scheduled is due, not at the next poll", async () => {
  let attempts = 0;
  const setup = new AgentSetup(() => {
    attempts += 1;
    if (attempts === 1) throw Object.assign(new Error("busy"), { retryAfterMs: 300 });
  }, { pollIntervalMs: 60_000 });
  setup.store.insert(1);
  const running = setup.agent.run();
  await setup.clock.advance(50);
  assertEquals(setup.store.statuses, { pending: 1 });
  await setup.clock.advance(450);
  assertEquals(setup.store.statuses, { processed: 1 });
  assertEquals(attempts, 2);
  setup.agent.drain("test");
  await running;
});

Deno.test("Agent makes a dead letter of what keeps failing, after MAX_ATTEMPTS", async () => {
  let runs = 0;
  const setup = new AgentSetup(() => {
    runs += 1;
    throw new Error("never");
  });
  setup.store.insert(1);
  const running = setup.agent.run();
  await setup.clock.advance(60_000);
  assertEquals(setup.store.statuses, { failed: 1 });
  assertEquals(runs, 3);
  assertEquals(setup.recorder.of("retried").map(({ attempt }) => attempt), [1, 2]);
  assertEquals(setup.recorder.of("dead_lettered").map(({ attempt, error }) => ({ attempt, error })), [
    { attempt: 3, error: "never" },
  ]);
  setup.agent.drain("test");
  await running;
});

Deno.test("Agent claims ahead, but never holds more than two batches", async () => {
  const setup = new AgentSetup(() => new Promise<never>(() => {}), { processTimeoutMs: 1e6 });
  setup.store.insert(100);
  const running = setup.agent.run();
  await setup.clock.advance(10_000);
  assertEquals(setup.agent.held, { documents: 20, running: 4 });
  assertEquals(setup.store.statuses, { pending: 80, processing: 20 });
  setup.agent.force("test");
  await setup.clock.advance(500);
  await running;
  assertEquals(setup.store.statuses, { pending: 100 });
});
