import { assertEquals, assertStringIncludes } from "@std/assert";
import { startMongod } from "../../scripts/mongod.ts";
import { agentHome } from "../support/agent_home.ts";
import { insertPending, upTo } from "../support/documents.ts";
import { DEAF, GATED, OBEDIENT } from "../support/modules.ts";
import { DOCUMENTS, TestDatabase, testDatabase } from "../support/mongod.ts";
import { waitFor } from "../support/wait.ts";

/** The longest time that `SHUTDOWN_TIMEOUT=1` leaves the process, in milliseconds. */
const LIMIT_MS = 6000;
const RELEASED = { status: "pending", "_pull.attempts": 0, "_pull.token": { $exists: false } };

for (const [kind, module] of Object.entries({ DEAF, OBEDIENT })) {
  const who = kind === "DEAF" ? "a handler that ignores its signal" : "a handler that obeys its signal";

  Deno.test(`Shutdown: a second signal releases the document of ${who}, and the exit status is 0`, async () => {
    await using db = await testDatabase(`force ${kind}`);
    const documents = await insertPending(db, upTo(5));
    // A claim that is under way when the signal comes would claim what the drain releases, and release it once more.
    const once = { POLL_INTERVAL: "1h", CHANGE_STREAM: "off" };
    const env = { ...once, CONCURRENCY: "3", SHUTDOWN_TIMEOUT: "1h" };
    await using home = await agentHome({ db, module, env });
    const agent = await home.startReady();
    await home.untilMarked("start 3");
    agent.signal("SIGTERM");
    await agent.log("Draining");
    agent.signal("SIGINT");
    assertStringIncludes((await agent.log("Forced")).reason as string, "SIGINT");
    assertEquals((await agent.exit({ timeoutMs: LIMIT_MS })).code, 0);
    const { finished, released, abandoned } = await agent.log("Drained");
    assertEquals({ finished, released, abandoned }, { finished: 0, released: 5, abandoned: 0 });
    assertEquals((await agent.log("Released documents that had not started")).documents, 2);
    const aborted = agent.entries.filter(({ message }) =>
      message.startsWith("Released documents whose handler was aborted")
    );
    assertEquals(aborted.reduce((sum, { documents }) => sum + (documents as number), 0), 3);
    assertEquals(await documents.countDocuments(RELEASED), 5);
    if (kind === "OBEDIENT") await home.untilMarked("told 1 ForcedStopError");
  });

  Deno.test(`SHUTDOWN_TIMEOUT releases the document of ${who}, and the exit status is 0`, async () => {
    await using db = await testDatabase(`timeout ${kind}`);
    const documents = await insertPending(db, [1]);
    await using home = await agentHome({ db, module, env: { SHUTDOWN_TIMEOUT: "1" } });
    const agent = await home.startReady();
    await home.untilMarked("start 1");
    agent.signal("SIGTERM");
    assertEquals((await agent.exit({ timeoutMs: LIMIT_MS })).code, 0);
    assertStringIncludes((await agent.log("Forced")).reason as string, "SHUTDOWN_TIMEOUT");
    assertEquals(await documents.countDocuments(RELEASED), 1);
  });
}

Deno.test("Shutdown: SHUTDOWN_TIMEOUT=0 releases everything at once", async () => {
  await using db = await testDatabase("timeout 0");
  const documents = await insertPending(db, upTo(3));
  await using home = await agentHome({ db, module: OBEDIENT, env: { SHUTDOWN_TIMEOUT: "0" } });
  const agent = await home.startReady();
  await home.untilMarked("start 3");
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);
  assertEquals(await documents.countDocuments(RELEASED), 3);
});

Deno.test("Shutdown: an agent that has started does not say that it was stopped before, however long its drain takes", async () => {
  await using db = await testDatabase("said of the start");
  await insertPending(db, [1]);
  await using home = await agentHome({ db, module: OBEDIENT, env: { SHUTDOWN_TIMEOUT: "3" } });
  const agent = await home.startReady();
  await home.untilMarked("start 1");
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);
  assertEquals(agent.stderr, "");
});

Deno.test("Shutdown: leases are kept while a drain takes longer than they last", async () => {
  await using db = await testDatabase("long drain");
  const leaseMs = 5000;
  const documents = await insertPending(db, [1]);
  await using home = await agentHome({
    db,
    module: GATED,
    // A busy machine may take seconds for a renewal.
    env: { LEASE_DURATION: `${leaseMs / 1000}`, SHUTDOWN_TIMEOUT: "1m" },
  });
  const agent = await home.startReady();
  await home.untilMarked("start 1");
  agent.signal("SIGTERM");
  await agent.log("Draining");
  const first = (await documents.findOne({ _id: 1 }))!;
  await waitFor("the lease to be renewed past its first end", async () => {
    const now = (await documents.findOne({ _id: 1 }))!;
    assertEquals(now._pull!.token, first._pull!.token);
    return now._pull!.visible_at!.getTime() > first._pull!.visible_at!.getTime() + leaseMs;
  });
  await home.write("marks.go", "");
  assertEquals((await agent.exit()).code, 0);
  assertEquals((await home.marks()).map(({ text }) => text), ["start 1", "end 1"]);
  assertEquals(await documents.countDocuments({ status: "processed" }), 1);
});

for (const how of ["killed", "frozen"] as const) {
  Deno.test(`Shutdown: an agent whose MongoDB is ${how} still ends, with status 1 for what it had to abandon`, async () => {
    await using mongod = await startMongod();
    const database = new TestDatabase(mongod.uri, "abandoned");
    await insertPending(database, upTo(2));
    await database.client.close();
    const module = GATED;
    await using home = await agentHome({
      db: { uri: mongod.uri, name: "abandoned" },
      module,
      env: { SHUTDOWN_TIMEOUT: "1", LEASE_DURATION: "1m" },
    });
    const agent = await home.startReady();
    await home.untilMarked("start 2");
    if (how === "killed") await mongod.kill();
    else mongod.freeze();
    await home.write("marks.go", "");
    await home.untilMarked("end 2");
    agent.signal("SIGTERM");
    assertEquals((await agent.exit({ timeoutMs: LIMIT_MS })).code, 1);
    const { level, abandoned } = await agent.log("Drained");
    assertEquals({ level, abandoned }, { level: "WARNING", abandoned: 2 });
  });
}

Deno.test("Shutdown: an agent that never reached MongoDB stops with status 0: it abandons nothing", async () => {
  const db = { uri: "mongodb://127.0.0.1:1/", name: "nowhere" };
  await using home = await agentHome({ db, env: { SHUTDOWN_TIMEOUT: "1" } });
  const agent = await home.start();
  await agent.log("Agent is running");
  agent.signal("SIGTERM");
  assertEquals((await agent.exit({ timeoutMs: LIMIT_MS })).code, 0);
});

Deno.test("Shutdown: an idle agent whose MongoDB is frozen in the middle of a claim still ends", async () => {
  await using mongod = await startMongod();
  const database = new TestDatabase(mongod.uri, "idle");
  await database.db.createCollection(DOCUMENTS);
  await database.client.close();
  const env = { SHUTDOWN_TIMEOUT: "1", POLL_INTERVAL: "10ms" };
  await using home = await agentHome({ db: database, env });
  const agent = await home.startReady();
  mongod.freeze();
  await agent.log("Cannot claim");
  agent.signal("SIGTERM");
  assertEquals((await agent.exit({ timeoutMs: LIMIT_MS })).code, 0);
});

Deno.test("Shutdown: what a module keeps open does not hold the exit", async () => {
  await using db = await testDatabase("open handles");
  await insertPending(db, [1]);
  const module = `
    const keep = [Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, () => new Response("")),
      Deno.listen({ port: 0, hostname: "127.0.0.1" }), Deno.watchFs("/tmp")];
    setInterval(() => keep.length, 10);
    setTimeout(() => {}, 3_600_000);
    new BroadcastChannel("x").onmessage = () => {};
    export default ({ _id }) => { keep.push(keep[1].accept(), fetch("http://127.0.0.1:" + keep[1].addr.port));
      mark(String(_id)); };`;
  await using home = await agentHome({ db, module });
  const agent = await home.startReady();
  await home.untilMarked("1");
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);
});

Deno.test("Shutdown: a module that never ends loading does not hold the exit", async () => {
  await using db = await testDatabase("endless module");
  const module = `await new Promise(() => setInterval(() => {}, 1000)); export default () => {};`;
  await using home = await agentHome({ db, module, env: { SHUTDOWN_TIMEOUT: "1" } });
  const agent = await home.start();
  await agent.untilListening();
  agent.signal("SIGTERM");
  assertEquals((await agent.exit({ timeoutMs: LIMIT_MS })).code, 0);
  assertStringIncludes(agent.output, "stopped by SIGTERM before it had started");
});
