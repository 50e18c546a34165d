import { assert, assertEquals, assertFalse } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { insertPending, upTo } from "../support/documents.ts";
import { GATED } from "../support/modules.ts";
import { testDatabase } from "../support/mongod.ts";
import type { AnyDocument } from "../support/store.ts";
import { waitFor } from "../support/wait.ts";

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  Deno.test(`${signal} finishes what is in flight, releases what waits, and exits 0`, async () => {
    await using db = await testDatabase(signal);
    const documents = await insertPending(db, upTo(6));
    await using home = await agentHome({ db, module: GATED, env: { CONCURRENCY: "2" } });
    const agent = await home.startReady();
    await home.untilMarked("start 2");

    agent.signal(signal);
    const drain = await agent.log("Draining");
    assertEquals(drain.reason, signal);
    // The pod leaves the Service before the first document is released, and long before the process ends.
    await home.untilNotReady();
    assert(await home.probe("liveness"));
    await waitFor(
      "the four that wait to be released",
      async () => await documents.countDocuments({ status: "pending", "_pull.attempts": 0 }) === 4,
    );
    assertEquals(await documents.countDocuments({ status: "processing" }), 2);
    await home.write("marks.go", "");

    assertEquals(await agent.exit(), { success: true, code: 0, signal: null });
    const { finished, released, abandoned } = await agent.log("Drained");
    assertEquals({ finished, released, abandoned }, { finished: 2, released: 4, abandoned: 0 });
    assertEquals(await documents.countDocuments({ status: "processed" }), 2);
    assertEquals(await documents.countDocuments({ status: "pending", "_pull.token": { $exists: false } }), 4);
    assertEquals((await home.marks()).map(({ text }) => text).sort(), [
      "end 1",
      "end 2",
      "start 1",
      "start 2",
    ]);
    assertEquals(agent.stderr, "");
  });
}

Deno.test("SIGUSR1 pauses claims and lets what is in flight finish; SIGUSR2 claims again at once", async () => {
  await using db = await testDatabase("pause by signal");
  const documents = await insertPending(db, upTo(3));
  // An hour between polls: only the resume itself can explain a claim.
  const env = { CONCURRENCY: "1", POLL_INTERVAL: "1h" };
  await using home = await agentHome({ db, module: GATED, env });
  const agent = await home.startReady();
  await home.untilMarked("start 1");

  agent.signal("SIGUSR1");
  assertEquals((await agent.log("Paused")).source, "signal");
  await waitFor(
    "two to be released",
    async () => await documents.countDocuments({ status: "pending" }) === 2,
  );
  await home.write("marks.go", "");
  await waitFor(
    "the one in flight",
    async () => await documents.countDocuments({ status: "processed" }) === 1,
  );
  const { control, ready } = await agent.untilStatus(
    "the state to be paused",
    ({ state }) => state === "paused",
  );
  assertEquals({ state: control.state, source: control.source, ready }, {
    state: "paused",
    source: "signal",
    ready: false,
  });
  assertFalse(await home.probe("readiness"));
  assert(await home.probe("liveness"));
  assertEquals(await documents.countDocuments({ status: "pending", "_pull.attempts": 0 }), 2);

  agent.signal("SIGUSR2");
  assertEquals((await agent.log("Resumed")).source, "signal");
  await waitFor("the others", async () => await documents.countDocuments({ status: "processed" }) === 3);
  await agent.untilReady();
});

Deno.test("Signals: a paused agent drains at once when told to stop", async () => {
  await using db = await testDatabase("stop while paused");
  await using home = await agentHome({ db });
  const agent = await home.startReady();
  agent.signal("SIGUSR1");
  await agent.log("Paused");
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);
});

Deno.test("Signals: pauses and resumes that come while it drains change nothing", async () => {
  await using db = await testDatabase("pause while draining");
  const documents = await insertPending(db, [1]);
  await using home = await agentHome({ db, module: GATED });
  const agent = await home.startReady();
  await home.untilMarked("start 1");
  agent.signal("SIGTERM");
  await agent.log("Draining");
  for (const signal of ["SIGUSR1", "SIGUSR2", "SIGUSR1"] as const) agent.signal(signal);
  await documents.insertOne({ _id: 2, status: "pending" });
  await home.write("marks.go", "");
  assertEquals((await agent.exit()).code, 0);
  // A claim that was under way may take it, and releases it.
  const { _pull: { attempts = 0, token } = {}, status } = await documents.findOne({ _id: 2 }) as AnyDocument;
  assertEquals([status, attempts, token], ["pending", 0, undefined]);
  assertEquals((await home.marks()).map(({ text }) => text).filter((text) => /2$/.test(text)), []);
  assertEquals(await documents.countDocuments({ _id: 1, status: "processed" }), 1);
});
