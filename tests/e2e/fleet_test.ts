import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { insertPending, upTo } from "../support/documents.ts";
import { FailingServer } from "../support/failing_server.ts";
import { FleetDatabase } from "../support/fleet_database.ts";
import { Guarded } from "../support/guarded.ts";
import { MARKING } from "../support/modules.ts";
import { testDatabase } from "../support/mongod.ts";
import { waitFor } from "../support/wait.ts";

const CALM = { POLL_INTERVAL: "1s", LEASE_DURATION: "20" };

Deno.test("FLEET: an agent shows what it does in the registry, and leaves it at its end", async () => {
  await using db = await testDatabase("fleet entry");
  const fleet = new FleetDatabase(db);
  await insertPending(db, upTo(3));
  await using home = await agentHome({ db, module: MARKING, env: { ...CALM, AGENT_NAME: "a" } });
  const agent = await home.startReady();
  const [entry] = await fleet.untilEntries("the entry", 1, ({ ready }) => ready);
  assertMatch(String(entry?._id), /^\d{4}-.*Z [0-9a-f-]{36}$/);
  const { commit, control, lives_ms, mode, name, registry, state, version } = entry!;
  assertEquals([registry, name, mode, lives_ms, state], [
    "pulling-agent",
    "a",
    "document",
    30_000,
    "running",
  ]);
  assertMatch(`${version} ${commit}`, /^\d+\.\d+\.\d+ \S+$/);
  assertEquals([control.state, control.source, control.since instanceof Date], ["running", "start", true]);
  assertEquals(entry?.seen_at instanceof Date && entry.started_at instanceof Date, true);
  // The server can tell the connections of this process from those of all others, by the end of the id.
  const operations = await db.client.db("admin").aggregate([
    { $currentOp: { allUsers: true, idleConnections: true } },
    { $match: { "clientMetadata.platform": { $regex: `\\|agent ${String(entry?._id).split(" ")[1]}$` } } },
  ]).toArray();
  assert(operations.length > 0, "no connection of the agent");

  agent.signal("SIGUSR1");
  const [paused] = await fleet.untilEntries("the pause, at once", 1, ({ state }) => state === "paused");
  assertEquals([paused?.control.source, paused?.ready], ["signal", false]);
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);
  assertEquals(await fleet.entries(), []);
});

Deno.test("FLEET: who wins among file, signals and the fleet, from the start and after each change", async () => {
  await using db = await testDatabase("fleet sources");
  const fleet = new FleetDatabase(db);
  const documents = await insertPending(db, [1]);
  await using home = await agentHome({ db, module: MARKING, env: CALM });
  const file = async (word: string) => {
    await Deno.writeTextFile(`${home.controlFile}.new`, word);
    await Deno.rename(`${home.controlFile}.new`, home.controlFile);
  };
  await fleet.ask({ state: "paused", reason: "the price service is down" });
  let agent = await home.start();
  const is = (state: string, source: string) =>
    agent.untilStatus(
      `${state} by ${source}`,
      ({ control, state: now }) => now === state && control.state === state && control.source === source,
    );

  // At the start the agent is paused if any source says so: it claims nothing.
  const { control } = await is("paused", "fleet");
  assertEquals([control.by, control.reason], ["alice", "the price service is down"]);
  const line = await agent.log("Paused");
  assertEquals([line.source, line.by, line.reason], ["fleet", "alice", "the price service is down"]);
  const { stdout } = await home.run("status");
  assertMatch(stdout, /^paused with the whole fleet \(alice: the price service is down\) since /);
  assertEquals((await agent.status()).counters.claimed, 0);

  // Later the latest change wins.
  agent.signal("SIGUSR2");
  await is("running", "signal");
  await waitFor("the document", () => documents.countDocuments({ status: "processed" }));
  const again = await fleet.ask({ state: "paused", reason: "still down" });
  await is("paused", "fleet");
  await fleet.untilEntries("it to confirm", 1, ({ control_id }) => control_id === again);
  await file("resume");
  await is("running", "file");
  await file("pause");
  await is("paused", "file");
  await fleet.ask({ state: "running" });
  await is("running", "fleet");
  agent.signal("SIGUSR1");
  await is("paused", "signal");
  // It is paused already: the request changes nothing, and is confirmed.
  const last = await fleet.ask({ state: "paused" });
  await fleet.untilEntries("it to confirm", 1, ({ control_id }) => control_id === last);
  await is("paused", "signal");

  // A restart: the file says pause, and so does the fleet. A fleet that runs resumes nothing at the start.
  await agent.kill9();
  await fleet.ask({ state: "running" });
  agent = await home.start();
  await is("paused", "file");
  await agent.kill9();
  await file("resume");
  await fleet.ask({ state: "paused" });
  agent = await home.start();
  await is("paused", "fleet");
});

Deno.test("FLEET without the right to its collection: one warning, and the agent works as without a fleet", async () => {
  await using guarded = await Guarded.start();
  await guarded.makeUserWithoutFleet("secret");
  await guarded.insert("a");
  await using home = await agentHome({ db: { uri: guarded.uri("secret"), name: "shop" }, module: MARKING });
  const agent = await home.startReady();
  await guarded.untilProcessed("a");
  const line = await agent.log("Cannot use the registry of the fleet");
  assertEquals([line.level, line.collection], ["WARNING", "shop.documents_agents"]);
  agent.signal("SIGUSR1");
  await agent.untilStatus("a pause", ({ state }) => state === "paused");
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);
  assertEquals(agent.entries.filter(({ level }) => level !== "INFO").length, 1, agent.output);
});

Deno.test("FLEET of off: an agent shows itself nowhere, and the fleet's pause does not reach it", async () => {
  await using db = await testDatabase("no fleet");
  const fleet = new FleetDatabase(db);
  await fleet.ask({ state: "paused" });
  const documents = await insertPending(db, [1]);
  await using home = await agentHome({ db, env: { FLEET: "off" } });
  await home.startReady();
  await waitFor("the document", () => documents.countDocuments({ status: "processed" }));
  assertEquals(await fleet.entries(), []);
});

Deno.test("FLEET: a pause that cannot be read yet keeps the agent from its first claim, and one that no stream tells of holds", async () => {
  await using server = await FailingServer.start();
  await using db = server.database();
  const fleet = new FleetDatabase(db);
  const documents = await insertPending(db, [1]);
  await fleet.ask({ state: "paused" });
  const namespace = `${db.name}.documents_agents`;
  const unread = { failCommands: ["find", "aggregate", "getMore"], errorCode: 50, namespace };
  await server.fail("pulling-agent/a", unread);
  await using home = await agentHome({ db, module: MARKING, env: { ...CALM, AGENT_NAME: "a" } });
  const agent = await home.start();
  await agent.log("Cannot claim documents");
  await agent.untilStatus(
    "it to be unready",
    ({ ready, trouble }) => !ready && trouble?.what === "claims_fail",
  );
  assertEquals(await documents.countDocuments({ status: "pending", _pull: { $exists: false } }), 1);
  await server.mend();
  const { counters } = await agent.untilStatus("the pause", ({ state }) => state === "paused");
  assertEquals(counters.claimed, 0);

  const running = await fleet.ask({ state: "running" });
  await fleet.untilEntries("it to confirm", 1, ({ control_id }) => control_id === running);
  await server.fail("pulling-agent/a", unread);
  await fleet.ask({ state: "paused" });
  // What tells of changes fails by then, and what reads them.
  await agent.untilStatus("it to run", ({ state }) => state === "running");
  await server.mend();
  await agent.untilStatus(
    "the pause",
    ({ state, control }) => state === "paused" && control.source === "fleet",
  );
});

Deno.test("FLEET: a request that was written by hand and says nothing that agents know is reported by each, and shown by commands", async () => {
  await using db = await testDatabase("fleet by hand");
  const fleet = new FleetDatabase(db);
  const documents = await insertPending(db, [1]);
  await fleet.ask({ state: "PAUSED" as never });
  await using home = await agentHome({ db, module: MARKING, env: CALM });
  const agent = await home.startReady();
  const line = await agent.log("Cannot act on what is asked of the fleet");
  const problem = 'its state is "PAUSED", and must be "running" or "paused"';
  assertEquals([line.level, line.collection, line.problem], [
    "WARNING",
    `${db.name}.documents_agents`,
    problem,
  ]);
  await waitFor("the document", () => documents.countDocuments({ status: "processed" }));
  const told = `What operators have written controls nothing: ${problem}`;
  assertStringIncludes(
    (await home.run("status", "--fleet")).stdout,
    `\n${told}: write it with pulling-agent pause`,
  );
  assertEquals(JSON.parse((await home.run("status", "--fleet", "--json")).stdout).control_problem, problem);
  assertStringIncludes((await home.run("top", "--once")).stdout, `\n${told}`);
  assertStringIncludes((await home.run("doctor")).stdout, `controls nothing: ${problem}`);

  const paused = await home.run("pause", "--fleet", "--reason", "the price service is down");
  assertEquals([paused.code, paused.stderr], [0, ""]);
  await agent.untilStatus("the pause", ({ control }) => control.source === "fleet");
  const { stdout } = await home.run("doctor");
  assertMatch(stdout, /The whole fleet is paused, by \S+ since \S+: the price service is down\. An agent/);
  assertEquals(agent.entries.filter(({ message }) => message.startsWith("Cannot act on")).length, 1);
});
