import { assertEquals, assertRejects } from "@std/assert";
import { MongoClient } from "mongodb";
import { UsageError } from "../../agent/errors.ts";
import type { FleetLook } from "../../agent/fleet/fleet_view.ts";
import { insertEntry } from "../support/fleet_entries.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { SUPPORTED } from "../support/profiles/profiles.ts";
import { ProfileServer } from "../support/profiles/profile_server.ts";
import { SHARDED_6 } from "../support/profiles/sharded.ts";
import { type AnyDocument, COLLECTION, LONG_AGO, openStore } from "../support/store.ts";

const AGENTS = `${COLLECTION}_agents`;

async function lookAt(database: TestDatabase): Promise<FleetLook> {
  await using store = openStore(database);
  return await (await store.forCommands.fleet()).reader.look();
}

function presences({ agents }: FleetLook): Record<string, string> {
  return Object.fromEntries(agents.map(({ name, presence }) => [name, presence]));
}

/** A connection that tells the server of itself what an agent's does. */
async function connectionOf(database: TestDatabase, uuid: string): Promise<MongoClient> {
  const driverInfo = { name: "pulling-agent", version: "1.2.3", platform: `agent ${uuid}` };
  const client = new MongoClient(database.uri, { driverInfo, appName: "the user's own" });
  await client.db("admin").command({ ping: 1 });
  return client;
}

Deno.test("FleetReader reads what agents report and what is wanted of them, and takes no other document for one", async () => {
  await using database = await testDatabase("fleet reader");
  const nothing = await lookAt(database);
  assertEquals([nothing.agents, nothing.withoutStatus, nothing.control, nothing.controlProblem], [
    [],
    [],
    undefined,
    undefined,
  ]);
  const since = new Date(1e12);
  const history = { until: since, processed: [1, 2], retried: [3], dead_lettered: "no", pick_up_ms: [4.5] };
  const control = { state: "paused", source: "fleet", by: "ops", reason: "why", since };
  await insertEntry(database, AGENTS, {
    name: "first",
    control,
    control_id: "c1",
    history,
    held: 3,
    running: 2,
    last_error: { at: since, message: "boom" },
    state: "paused",
  });
  // Of an earlier version, of a user, of a later version whose values are others, and one that is long gone.
  await insertEntry(database, AGENTS, { name: "old", state: undefined, ageMs: 1000 });
  await insertEntry(database, AGENTS, { registry: "mine" });
  const oddEntry = { counters: { processed: "x" }, control: 7, history: 3, ageMs: 500 };
  await insertEntry(database, AGENTS, { ...oddEntry, ...{ version: 5 } });
  await insertEntry(database, AGENTS, { name: "gone", silentMs: 700_000 });
  const entries = database.db.collection<AnyDocument>(AGENTS);
  await entries.insertMany([
    { _id: "action 1", registry: "pulling-agent", action: "pause", at: since },
    { _id: "control", registry: "pulling-agent", id: "c1", state: "paused", by: "ops", at: since },
  ]);
  const look = await lookAt(database);
  assertEquals(look.control, { id: "c1", state: "paused", by: "ops", reason: undefined, at: since });
  assertEquals(look.agents.map(({ name }) => name), ["first", "agent"]);
  assertEquals(look.agents[1]!.version, "(no version)");
  assertEquals(look.withoutStatus.map(({ name, presence }) => [name, presence]), [["old", "alive"]]);
  const [first, odd] = look.agents;
  assertEquals([first!.control, first!.controlId, first!.held, first!.running, first!.counters], [
    control,
    "c1",
    3,
    2,
    { processed: 7 },
  ]);
  assertEquals(first!.history, {
    until: since,
    processed: [1, 2],
    retried: [3],
    deadLettered: [],
    pickUpMs: [4.5],
  });
  assertEquals(first!.lastError, { at: since, message: "boom" });
  assertEquals([odd!.counters, odd!.control.state, odd!.history], [{ processed: 0 }, "running", undefined]);
  await using store = openStore(database);
  const brief = await (await store.forCommands.fleet()).reader.look({ isBrief: true });
  assertEquals(brief.agents.map(({ history }) => history), [undefined, undefined]);
});

Deno.test("FleetReader tells frozen from dead by the connections that the server has, with any appName in the URI", async () => {
  await using database = await testDatabase("fleet reader");
  const uuid = crypto.randomUUID();
  await insertEntry(database, AGENTS, { name: "frozen", silentMs: 60_000, uuid });
  await insertEntry(database, AGENTS, { name: "killed", silentMs: 60_000 });
  await insertEntry(database, AGENTS, { name: "just killed", silentMs: 20_000 });
  await insertEntry(database, AGENTS, { name: "alive", silentMs: 9000 });
  // Its beats are late, as those of an agent that waits for a failover: as long as it is connected it is alive.
  const late = crypto.randomUUID();
  await insertEntry(database, AGENTS, { name: "late", silentMs: 20_000, uuid: late });
  const client = await connectionOf(database, uuid);
  const other = await connectionOf(database, late);
  try {
    assertEquals(presences(await lookAt(database)), {
      "frozen": "frozen",
      "killed": "dead",
      "just killed": "dead",
      "alive": "alive",
      "late": "alive",
    });
  } finally {
    await client.close();
    await other.close();
  }
});

Deno.test("FleetReader: of agents that were seen before the server's clock was set back, only those that are connected are alive", async () => {
  await using database = await testDatabase("fleet reader");
  const uuid = crypto.randomUUID();
  await insertEntry(database, AGENTS, { name: "connected", silentMs: -300_000, uuid });
  await insertEntry(database, AGENTS, { name: "killed", silentMs: -300_000 });
  // It has beaten since.
  const alive = crypto.randomUUID();
  await insertEntry(database, AGENTS, { name: "alive", silentMs: 1000, uuid: alive });
  const client = await connectionOf(database, uuid);
  const other = await connectionOf(database, alive);
  try {
    assertEquals(presences(await lookAt(database)), {
      "connected": "alive",
      "killed": "dead",
      "alive": "alive",
    });
  } finally {
    await client.close();
    await other.close();
  }
});

// A collection that a cluster makes by itself is not sharded, as the profile of a sharded one has all of them.
for (const profile of SUPPORTED.filter((each) => each !== SHARDED_6)) {
  Deno.test(`FleetReader works on ${profile.name}, as its profile has it, and so does a request`, async () => {
    await using server = new ProfileServer(profile);
    await using database = server.database();
    await insertEntry(database, AGENTS, { name: "killed", silentMs: 60_000 });
    await insertEntry(database, AGENTS, { name: "alive" });
    await using store = openStore({
      uri: `${server.uri}${server.uri.includes("?") ? "&" : "?"}retryWrites=false`,
      name: database.name,
    });
    const fleet = await store.forCommands.fleet();
    const id = await fleet.ask({ state: "paused", by: "ops", reason: "why" });
    const look = await fleet.reader.look();
    assertEquals([look.control?.id, look.control?.state, look.control?.reason], [id, "paused", "why"]);
    assertEquals(Object.keys(presences(look)), ["killed", "alive"]);
    assertEquals(presences(look).alive, "alive");
  });
}

Deno.test("FleetForCommands keeps one request, the latest, in one line and without secrets, and refuses a text that no one reads", async () => {
  await using database = await testDatabase("fleet request");
  await using store = openStore(database);
  const fleet = await store.forCommands.fleet();
  await Promise.all(
    ["a", "b", "c"].map((by) => fleet.ask({ state: "paused", by, reason: "at once" })),
  );
  const id = await fleet.ask({
    state: "paused",
    by: "ops\x1b[2J",
    reason: " down\r\n\u202emongodb://u:secret@h/ ",
  });
  const stored = await database.db.collection<AnyDocument>(AGENTS).find().toArray();
  const { at, ...rest } = stored[0]!;
  assertEquals(stored.length, 1);
  assertEquals(at instanceof Date, true);
  assertEquals(rest, {
    _id: "control",
    registry: "pulling-agent",
    id,
    state: "paused",
    by: "ops [2J",
    reason: "down mongodb://***@h/",
  });
  await fleet.ask({ state: "running", by: "ops", reason: undefined });
  assertEquals((await fleet.reader.look()).control?.reason, undefined);
  for (const reason of ["x".repeat(1001), " \n"]) {
    await assertRejects(() => fleet.ask({ state: "paused", by: "ops", reason }), UsageError, "The reason");
  }
  assertEquals((await fleet.reader.look()).control?.state, "running");
});

Deno.test("FleetForCommands finds the agents that hold documents, of any name and any age of the lease", async () => {
  await using database = await testDatabase("fleet holders");
  await using store = openStore(database);
  await store.ensureIndexes().catch(() => {});
  await database.db.createCollection(COLLECTION).catch(() => {});
  await store.ensureIndexes();
  const lease = { token: "t", visible_at: new Date(Date.now() + 60_000) };
  await database.db.collection<AnyDocument>(COLLECTION).insertMany([
    { _id: 1, status: "processing", _pull: { ...lease, owner: "one" } },
    { _id: 2, status: "processing", _pull: { ...lease, owner: "one" } },
    { _id: 3, status: "processing", _pull: { ...lease, owner: "gone", visible_at: LONG_AGO } },
    { _id: 4, status: "processing", _pull: { visible_at: lease.visible_at, owner: "not an agent" } },
    { _id: 5, status: "processing", _pull: { ...lease, owner: "two" } },
    { _id: 6, status: "pending" },
  ]);
  const fleet = await store.forCommands.fleet();
  assertEquals((await fleet.holders()).toSorted(), ["one", "two"]);
});
