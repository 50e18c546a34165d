import { assertEquals } from "@std/assert";
import { MongoClient } from "mongodb";
import { Events } from "../../agent/events.ts";
import { prepareStore } from "../../agent/store/prepare_store.ts";
import { Logger } from "../../agent/telemetry/logger.ts";
import { InProcessAgent } from "../support/in_process_agent.ts";
import { NOTHING } from "../support/fake_store.ts";
import { type TestDatabase, testDatabase, testUri } from "../support/mongod.ts";
import { COLLECTION, jobs, openStore, pending } from "../support/store.ts";
import { RecordedLines } from "../support/recorded_lines.ts";
import { waitFor } from "../support/wait.ts";

const KEY = { status: 1, "_pull.visible_at": 1, _id: 1 };

async function claimIndexes(database: TestDatabase) {
  const found = await jobs(database).indexes();
  return found.filter(({ key }) => JSON.stringify(key) === JSON.stringify(KEY));
}

for (const standalone of [false, true]) {
  Deno.test(`The index is made, partial, and made again does nothing (${standalone ? "standalone" : "replica set"})`, async () => {
    await using database = await testDatabase("indexes", { standalone });
    await using store = openStore(database);
    await store.ensureIndexes();
    await store.ensureIndexes();

    const [index, ...more] = await claimIndexes(database);
    assertEquals(more, []);
    assertEquals([index!.name, index!.partialFilterExpression], [
      "pulling_agent_claim",
      { status: { $in: ["pending", "processing"] } },
    ]);
  });
}

/** Indexes on the same keys that somebody made by hand. */
const BY_HAND = {
  "another name": { name: "by_hand" },
  "another name and the same filter": {
    name: "by_hand",
    partialFilterExpression: { status: { $in: ["pending", "processing"] } },
  },
  "our name and no filter": { name: "pulling_agent_claim" },
};

for (const [what, options] of Object.entries(BY_HAND)) {
  Deno.test(`An index that is there already under ${what} is good enough`, async () => {
    await using database = await testDatabase("indexes");
    await using store = openStore(database);
    await jobs(database).createIndex(KEY as never, options);
    const before = await jobs(database).indexes();
    await store.ensureIndexes();
    const names = (await jobs(database).indexes()).map(({ name }) => name);
    // A server may keep a partial index beside one without a filter: the one by hand must not be touched.
    for (const { name } of before) assertEquals(names.includes(name), true);
  });
}

Deno.test("An index of our name on other keys is left alone", async () => {
  await using database = await testDatabase("indexes");
  await using store = openStore(database);
  await jobs(database).createIndex({ other: 1 } as never, { name: "pulling_agent_claim" });
  await store.ensureIndexes();
  const found = await jobs(database).indexes();
  assertEquals(found.find(({ name }) => name === "pulling_agent_claim")!.key, { other: 1 });
});

Deno.test("An agent on a server that refuses the index says so once and works", async () => {
  await using database = await testDatabase("indexes");
  const appName = "no-index";
  await using store = openStore({ uri: `${testUri()}&appName=${appName}`, name: database.name });
  await jobs(database).insertMany(pending(10));
  await using admin = new MongoClient(testUri());
  const failPoint = (mode: unknown, data = {}) =>
    admin.db("admin").command({ configureFailPoint: "failCommand", mode, data });
  await failPoint("alwaysOn", { appName, failCommands: ["createIndexes"], errorCode: 13 });
  const output = new RecordedLines();
  const { lines } = output;
  const log = new Logger({ level: "WARNING", format: "json", output });
  const stop = prepareStore(store, { events: new Events(), log, ensureIndexes: true });
  try {
    await using agent = new InProcessAgent(store, () => {});
    await waitFor("the documents to be processed", () => agent.count("processed") === 10);
    await waitFor("the refusal to be told", () => lines.length > 0);
  } finally {
    stop();
    await failPoint("off");
  }
  assertEquals(lines.length, 1);
  assertEquals(lines[0]!.includes("Cannot make the index"), true, lines[0]);
  assertEquals(await claimIndexes(database), []);
});

Deno.test("An agent that ends while the index is still being made complains of nothing", async () => {
  await using database = await testDatabase("indexes");
  await jobs(database).insertOne({ _id: 1, status: "pending" } as never);
  const appName = "slow-index";
  await using store = openStore({ uri: `${testUri()}&appName=${appName}`, name: database.name });
  await using admin = new MongoClient(testUri());
  const failPoint = (mode: unknown, data = {}) =>
    admin.db("admin").command({ configureFailPoint: "failCommand", mode, data });
  const failCommands = ["createIndexes"];
  await failPoint("alwaysOn", { appName, failCommands, blockConnection: true, blockTimeMS: 3000 });
  const output = new RecordedLines();
  const { lines } = output;
  const log = new Logger({ level: "WARNING", format: "json", output });
  const stop = prepareStore(store, { events: new Events(), log, ensureIndexes: true });
  try {
    await waitFor("the index to be asked for", async () => {
      const { inprog } = await admin.db("admin").command({
        currentOp: 1,
        "command.createIndexes": "jobs",
        appName,
      });
      return inprog.length > 0;
    });
    stop();
    await store.close();
    await new Promise((resolve) => setTimeout(resolve, 0));
  } finally {
    await failPoint("off");
  }
  assertEquals(lines, []);
});

Deno.test("An agent works without any index, and on a collection that is not there yet", async () => {
  await using database = await testDatabase("indexes");
  await using store = openStore(database);
  assertEquals(await store.take(), NOTHING);
  await using agent = new InProcessAgent(store, () => {});
  await agent.event("claimed");
  await jobs(database).insertMany(pending(10));
  await waitFor("the documents to be processed", () => agent.count("processed") === 10);
});

Deno.test("A collection that is dropped and filled again while the agent runs is processed on", async () => {
  await using database = await testDatabase("indexes");
  await using store = openStore(database);
  await using agent = new InProcessAgent(store, () => {});
  for (const total of [10, 20]) {
    await jobs(database).insertMany(pending(10));
    await waitFor("the documents to be processed", () => agent.count("processed") === total);
    await database.db.dropCollection(COLLECTION);
  }
});
