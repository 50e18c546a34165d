import { assert, assertEquals, assertRejects } from "@std/assert";
import { CommandError } from "../../agent/errors.ts";
import type { AgentReport, FleetEntry } from "../../agent/fleet/registry.ts";
import type { MongoFleetRegistry } from "../../agent/store/fleet/mongo_registry.ts";
import { FailingServer } from "../support/failing_server.ts";
import { testDatabase } from "../support/mongod.ts";
import { ProfileServer } from "../support/profiles/profile_server.ts";
import { SHARDED_6 } from "../support/profiles/sharded.ts";
import { SUPPORTED } from "../support/profiles/profiles.ts";
import { type AnyDocument, COLLECTION, openStore, type TestStore } from "../support/store.ts";
import { waitFor } from "../support/wait.ts";

const HALF: FleetEntry = { isWorking: true, share: 0.5, livesMs: 60_000 };

const REPORT: AgentReport = {
  state: "running",
  isReady: false,
  trouble: "no_collection",
  control: { state: "running", source: "start", by: undefined, reason: undefined, since: new Date(1000) },
  controlId: undefined,
  held: 0,
  running: 0,
  counters: { processed: 3 },
  history: undefined,
  lastError: undefined,
};

/** Registries of agents that started one after the other, and have the same name. */
function registryOf(store: TestStore, n: number): MongoFleetRegistry {
  return store.fleetRegistry({
    mode: "document",
    name: "agent",
    version: "1.2.3",
    ensureIndexes: true,
    startedAtMs: 1000 * n,
    commit: "c",
    instance: crypto.randomUUID(),
  });
}

Deno.test("MongoFleetRegistry shows each agent the others: who works, who comes before, what they use, who is silent", async () => {
  await using database = await testDatabase("registry");
  await using store = openStore(database);
  const [first, second, third] = [1, 2, 3].map((n) => registryOf(store, n));
  assertEquals(await first!.look(), { working: 0, before: 0, shares: 0, silent: 0 });
  await first!.beat(HALF);
  await second!.beat({ ...HALF, share: 0.25 });
  await third!.beat({ ...HALF, isWorking: false, share: 0 });
  assertEquals(await first!.look(), { working: 1, before: 0, shares: 0.25, silent: 0 });
  assertEquals(await second!.look(), { working: 1, before: 1, shares: 0.5, silent: 0 });
  assertEquals(await third!.look(), { working: 2, before: 2, shares: 0.75, silent: 0 });
  await second!.beat({ ...HALF, livesMs: 0 });
  assertEquals(await third!.look(), { working: 1, before: 1, shares: 0.5, silent: 1 });
  await first!.leave();
  assertEquals(await third!.look(), { working: 0, before: 0, shares: 0, silent: 1 });
});

Deno.test("MongoFleetRegistry judges by the server's clock alone, and takes no other documents for agents", async () => {
  await using database = await testDatabase("registry");
  await using store = openStore(database);
  const [first, second] = [1, 2].map((n) => registryOf(store, n));
  const entries = database.db.collection(`${COLLECTION}_agents`);
  await entries.insertOne({ seen_at: new Date(0), working: true, share: 1, lives_ms: 1e15 });
  await first!.beat(HALF);
  await second!.beat(HALF);
  assertEquals((await first!.look()).shares, 0.5);
  const entry = await entries.findOne({ share: 0.5 });
  assertEquals([entry?.name, entry?.version, entry?.working, entry?.lives_ms], [
    "agent",
    "1.2.3",
    true,
    60_000,
  ]);
  // The index removes entries of agents, and no document of the user's that has the same field.
  const index = await waitFor(
    "the index",
    async () => (await entries.indexes()).find(({ name }) => name === "pulling_agent_gone"),
  );
  assertEquals([index.expireAfterSeconds, index.partialFilterExpression], [600, {
    registry: "pulling-agent",
  }]);
  // An hour from now, by the server.
  await entries.updateMany({ registry: "pulling-agent" }, [{
    $set: { seen_at: { $subtract: ["$$NOW", 3_600_000] } },
  }]);
  assertEquals(await first!.look(), { working: 0, before: 0, shares: 0, silent: 0 });
});

Deno.test("MongoFleetRegistry writes no status into a collection of the user's, nor do commands", async () => {
  await using database = await testDatabase("registry");
  await using store = openStore(database);
  await database.db.createCollection(COLLECTION);
  await store.ensureUsable();
  const theirs = database.db.collection<AnyDocument>(`${COLLECTION}_agents`);
  const mine = { _id: "control", name: "an insurance agent", seen_at: new Date(0) };
  await theirs.insertOne(mine);
  const registry = registryOf(store, 1);
  const told = `${registry.name} holds documents that no agent has written`;
  const error = await assertRejects(() => registry.report(REPORT), Error, told);
  assertEquals(registry.isTransient(error), false);
  assertEquals(await registry.control(), undefined);
  const fleet = await store.forCommands.fleet();
  await assertRejects(
    () => fleet.ask({ state: "paused", by: "alice", reason: "why" }),
    CommandError,
    `${told}, so that agents write nothing into it. The agents of this collection are no fleet`,
  );
  const action = { action: "purge", by: "alice", reason: "why", what: undefined, count: 1, isRunning: false };
  await assertRejects(() => fleet.actions.add(action), Error, told);
  assertEquals(await theirs.find().toArray(), [mine]);
  assertEquals((await theirs.indexes()).map(({ name }) => name), ["_id_"]);

  await theirs.deleteMany({});
  assert(await registry.report(REPORT));
});

Deno.test("MongoFleetRegistry reports while the server does not finish its index", async () => {
  await using server = await FailingServer.start();
  await using database = server.database();
  await using store = openStore(database);
  await database.db.createCollection(COLLECTION);
  await store.ensureUsable();
  const isHeldUp = { failCommands: ["createIndexes"], blockConnection: true, blockTimeMS: 60_000 };
  await server.fail(`pulling-agent/${store.settings.agentName}`, isHeldUp);
  const registry = registryOf(store, 1);
  // The driver gives the index up after ten seconds.
  let isReported = false;
  registry.report(REPORT).then(() => isReported = true);
  await waitFor("the report", () => isReported, { timeoutMs: 8000 });
  assert(await registry.report({ ...REPORT, controlId: "1" }));
});

Deno.test("MongoFleetRegistry tells by the server's clock when an agent began, was paused and failed, also if the clock of its machine is wrong", async () => {
  await using database = await testDatabase("registry");
  await using store = openStore(database);
  await database.db.createCollection(COLLECTION);
  await store.ensureUsable();
  const { reader } = await store.forCommands.fleet();
  const agoMs = 5000;
  for (const aheadMs of [600_000, -3_600_000, 0]) {
    const timeOfDayMs = () => Date.now() + aheadMs;
    const at = new Date(timeOfDayMs() - agoMs);
    const registry = store.fleetRegistry({
      name: `${aheadMs}`,
      version: "1.2.3",
      ensureIndexes: true,
      startedAtMs: at.getTime(),
      timeOfDayMs,
      commit: "c",
      mode: "range",
      instance: crypto.randomUUID(),
    });
    const control = { state: "paused", source: "file", by: undefined, reason: undefined, since: at } as const;
    await registry.report({ ...REPORT, control, lastError: { at, message: "no" } });
    const { agents, at: now } = await reader.look();
    const agent = agents.find(({ name }) => name === `${aheadMs}`)!;
    assertEquals(agent.mode, "range");
    for (const time of [agent.startedAt, agent.control.since!, agent.lastError!.at]) {
      const passedMs = now.getTime() - time.getTime();
      assert(passedMs >= agoMs - 1000 && passedMs < 120_000, `${aheadMs}: ${passedMs}`);
    }
  }
});

Deno.test("MongoFleetRegistry: when an agent began, was paused and failed stays the same if the clock of its machine is set", async () => {
  await using database = await testDatabase("registry");
  await using store = openStore(database);
  await database.db.createCollection(COLLECTION);
  await store.ensureUsable();
  const { reader } = await store.forCommands.fleet();
  for (const bootedMs of [3_600_000, -3_600_000]) {
    let aheadMs = bootedMs;
    const timeOfDayMs = () => Date.now() + aheadMs;
    const name = `${bootedMs}`;
    const registry = store.fleetRegistry({
      name,
      version: "1.2.3",
      ensureIndexes: true,
      startedAtMs: timeOfDayMs(),
      timeOfDayMs,
      commit: "c",
      mode: "document",
      instance: crypto.randomUUID(),
    });
    const at = new Date(timeOfDayMs());
    const control = { state: "paused", source: "file", by: undefined, reason: undefined, since: at } as const;
    const report = { ...REPORT, control, lastError: { at, message: "no" } };
    const times = async () => {
      await registry.report(report);
      const agent = (await reader.look()).agents.find((agent) => agent.name === name)!;
      return [agent.startedAt, agent.control.since!, agent.lastError!.at];
    };
    for (const isSet of [false, true]) {
      if (isSet) aheadMs = 0;
      for (const time of await times()) {
        const passedMs = (await reader.look()).at.getTime() - time.getTime();
        assert(passedMs >= -1500 && passedMs < 120_000, `${name}, ${isSet}: ${passedMs}`);
      }
    }
  }
});

Deno.test("ActionsLog adds an action also if older ones cannot be removed", async () => {
  await using server = await FailingServer.start();
  await using database = server.database();
  await using store = openStore(database);
  const { actions } = await store.forCommands.fleet();
  const action = { action: "purge", by: "alice", reason: "why", what: undefined, count: 1, isRunning: false };
  // 112: a write conflict. The reading before the removal fails, and then the removal itself.
  for (const command of ["find", "delete"]) {
    await actions.add(action);
    const fails = { failCommands: [command], errorCode: 112 };
    await server.fail(
      `pulling-agent/${store.settings.agentName}`,
      fails,
      command === "find" ? { skip: 1 } : undefined,
    );
    await actions.add(action);
    assert(await server.mend() > 0, command);
  }
  assertEquals((await actions.newest(10)).length, 4);
});

Deno.test("MongoFleetRegistry makes no entry without the collection of the documents, and keeps one that is there", async () => {
  await using database = await testDatabase("registry");
  await using store = openStore(database);
  const registry = registryOf(store, 1);
  const names = async () => {
    const found = await database.db.listCollections().toArray();
    return found.map(({ name }) => name).filter((name) => name.startsWith(COLLECTION)).toSorted();
  };
  assertEquals([await registry.report(REPORT), await names()], [false, []]);
  await database.db.createCollection(COLLECTION);
  await store.ensureUsable();
  assertEquals([await registry.report(REPORT), await names()], [true, [COLLECTION, `${COLLECTION}_agents`]]);
  // It was dropped: the agent is still shown, with what it lacks, and without what it lacks no more.
  store.source.forget();
  assert(await registry.report({ ...REPORT, trouble: undefined, controlId: "1" }));
  const entries = await database.db.collection(`${COLLECTION}_agents`).find().toArray();
  assertEquals(entries.map(({ control_id, counters, trouble }) => [control_id, counters, trouble]), [[
    "1",
    { processed: 3 },
    undefined,
  ]]);
});

// A collection that a cluster makes by itself is not sharded, as the profile of a sharded one has all of them.
for (const profile of SUPPORTED.filter((each) => each !== SHARDED_6)) {
  Deno.test(`MongoFleetRegistry works on ${profile.name}, as its profile has it`, async () => {
    await using server = new ProfileServer(profile);
    await using real = server.database();
    await using store = openStore({
      uri: `${server.uri}${server.uri.includes("?") ? "&" : "?"}retryWrites=false`,
      name: real.name,
    });
    const [first, second] = [1, 2].map((n) => registryOf(store, n));
    await first!.beat(HALF);
    await second!.beat({ ...HALF, share: 0.25 });
    assertEquals(await first!.look(), { working: 1, before: 0, shares: 0.25, silent: 0 });
    assertEquals((await second!.look()).before, 1);
    await first!.beat({ ...HALF, livesMs: 0 });
    await waitFor("it to be silent", async () => (await second!.look()).silent === 1);
    await first!.leave();
    assert((await second!.look()).silent === 0);
  });
}
