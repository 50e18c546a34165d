import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { MongoClient } from "mongodb";
import { Events } from "../../agent/events.ts";
import { SYSTEM } from "../../agent/lib/time_and_chance.ts";
import { IndexKeeper } from "../../agent/store/index_keeper.ts";
import { prepareStore } from "../../agent/store/prepare_store.ts";
import { Logger } from "../../agent/telemetry/logger.ts";
import { InProcessAgent } from "../support/in_process_agent.ts";
import { type TestDatabase, testDatabase, testUri } from "../support/mongod.ts";
import { RecordedLines } from "../support/recorded_lines.ts";
import { type AnyDocument, COLLECTION, jobs, openStore, pending, type TestStore } from "../support/store.ts";
import { waitFor } from "../support/wait.ts";
import { isOlderThan } from "../support/server_version.ts";

const KEY = { status: 1, "_pull.visible_at": 1, _id: 1 };

/** Which documents the index holds: all of them on a server that knows no `$in` there. */
const FILTER = isOlderThan("6.0") ? undefined : { status: { $in: ["pending", "processing"] } };

async function claimIndexes(database: TestDatabase) {
  const found = await jobs(database).listIndexes().toArray().catch(() => []);
  return found.filter(({ key }) => JSON.stringify(key) === JSON.stringify(KEY));
}

for (const standalone of [false, true]) {
  Deno.test(`Indexes: the index is made, partial, and made again does nothing (${standalone ? "standalone" : "replica set"})`, async () => {
    await using database = await testDatabase("indexes", { standalone });
    await using store = openStore(database);
    await database.db.createCollection(COLLECTION);
    await store.ensureIndexes();
    await store.ensureIndexes();

    const [index, ...more] = await claimIndexes(database);
    assertEquals(more, []);
    assertEquals([index!.name, index!.partialFilterExpression], ["pulling_agent_claim", FILTER]);
  });
}

/** Indexes on the same keys that a user made by hand. */
const BY_HAND = {
  "another name": { name: "by_hand" },
  "another name and the same filter": {
    name: "by_hand",
    ...FILTER && { partialFilterExpression: FILTER },
  },
  "our name and no filter": { name: "pulling_agent_claim" },
};

for (const [what, options] of Object.entries(BY_HAND)) {
  Deno.test(`Indexes: an index that is there already under ${what} is good enough`, async () => {
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

/** Indexes that claims cannot go by, what else is done to them, and what is said. */
const IN_THE_WAY: Record<string, { key: object; options: object; hides?: boolean; says: RegExp }> = {
  "of our name on other keys": {
    key: { other: 1 },
    options: { name: "pulling_agent_claim" },
    says:
      /^The index pulling_agent_claim has other keys \(\{"other":1\}\) .* drop it, db\.getCollection\("jobs"\)\.dropIndex\("pulling_agent_claim"\), /,
  },
  "of our name on our keys in another order": {
    key: { "_pull.visible_at": 1, status: 1, _id: 1 },
    options: { name: "pulling_agent_claim" },
    says: /^The index pulling_agent_claim has other keys /,
  },
  "of our name over other documents": {
    key: KEY,
    options: { name: "pulling_agent_claim", partialFilterExpression: { status: "pending" } },
    says: /^The index pulling_agent_claim has other options /,
  },
  "of our name that is sparse": {
    key: KEY,
    options: { name: "pulling_agent_claim", sparse: true },
    says: /^The index pulling_agent_claim has other options /,
  },
  "of our name under a collation": {
    key: KEY,
    options: { name: "pulling_agent_claim", collation: { locale: "en" } },
    says: /^The index pulling_agent_claim has other options /,
  },
  "of ours that is hidden": {
    key: KEY,
    options: {
      name: "pulling_agent_claim",
      ...FILTER && { partialFilterExpression: FILTER },
    },
    hides: true,
    says:
      /^The index pulling_agent_claim is hidden, .*: db\.getCollection\("jobs"\)\.unhideIndex\("pulling_agent_claim"\)$/,
  },
};

for (const [what, { key, options, hides, says }] of Object.entries(IN_THE_WAY)) {
  Deno.test(`ensureIndexes() says of an index ${what} that it cannot serve, and makes its own once that is gone`, async () => {
    await using database = await testDatabase("indexes");
    await using store = openStore(database);
    const name = await jobs(database).createIndex(key as never, options);
    const index = { name, hidden: true };
    if (hides) await database.db.command({ collMod: COLLECTION, index });
    for (let turn = 0; turn < 2; turn++) {
      const problems = await store.ensureIndexes();
      assertEquals(problems.length, 1);
      assertMatch(problems[0]!, says);
    }
    if (hides) await database.db.command({ collMod: COLLECTION, index: { name, hidden: false } });
    else await jobs(database).dropIndex(name);
    assertEquals(await store.ensureIndexes(), []);
    const [{ hidden, partialFilterExpression }] = await claimIndexes(database) as [AnyDocument];
    assertEquals([hidden, partialFilterExpression], [undefined, FILTER]);
  });
}

Deno.test("ensureIndexes() takes indexes under a collation that is the collection's own", async () => {
  await using database = await testDatabase("indexes");
  await database.db.createCollection(COLLECTION, { collation: { locale: "en", strength: 1 } });
  await using store = openStore(database);
  for (let turn = 0; turn < 2; turn++) assertEquals(await store.ensureIndexes(), []);
  assertEquals((await claimIndexes(database)).length, 1);
});

Deno.test("ensureIndexes() makes its index beside one of the same keys that does not serve, or says that it is in the way", async () => {
  await using database = await testDatabase("indexes");
  await using store = openStore(database);
  await jobs(database).createIndex(KEY as never, {
    name: "by_hand",
    partialFilterExpression: { status: "pending" },
  });
  const problems = await store.ensureIndexes();
  // Older servers keep no two indexes of the same keys.
  if (isOlderThan("5.0")) assertMatch(problems.join(), /^The index by_hand has other options .*: drop it, /);
  else assertEquals(problems, []);
  const names = (await claimIndexes(database)).map(({ name }) => name);
  assertEquals(names, isOlderThan("5.0") ? ["by_hand"] : ["by_hand", "pulling_agent_claim"]);
});

/** Lines of a keeper's log, which `await using` ends. */
class Keeping implements AsyncDisposable {
  readonly lines: readonly string[];
  readonly #keeper: IndexKeeper;
  readonly #done: Promise<void>;

  constructor(store: TestStore) {
    const output = new RecordedLines();
    const log = new Logger({ level: "INFO", format: "text", output });
    this.lines = output.lines;
    this.#keeper = new IndexKeeper({ ...SYSTEM, store, log, lookEveryMs: 20 });
    this.#done = this.#keeper.run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#keeper.stop();
    await this.#done;
  }
}

Deno.test("IndexKeeper makes an index again that is dropped while the agent runs, and says so of one that it cannot make", async () => {
  await using database = await testDatabase("indexes");
  await jobs(database).insertMany(pending(1));
  await using store = openStore(database);
  await using keeping = new Keeping(store);
  const index = (hidden: boolean) => ({ name: "pulling_agent_claim", hidden });
  // Refused while the index is still being built.
  const hide = (hidden: boolean) =>
    waitFor(
      "the index to be changed",
      () => database.db.command({ collMod: COLLECTION, index: index(hidden) }).then(() => true, () => false),
    );
  for (let turn = 0; turn < 2; turn++) {
    // Refused while the index is not there, and by older servers while it is being built.
    await waitFor(
      "the index to be dropped",
      () => jobs(database).dropIndex("pulling_agent_claim").then(() => true, () => false),
    );
  }
  await waitFor("the index", async () => (await claimIndexes(database)).length === 1);
  assertEquals(keeping.lines, []);
  await hide(true);
  await waitFor("a word of it", () => keeping.lines.length > 0);
  await hide(false);
  await waitFor("a word of its end", () => keeping.lines.length > 1);
  assertMatch(
    keeping.lines.join("|"),
    /^[^|]*WARNING [^|]* is hidden, [^|]*\|[^|]*INFO [^|]*are there again[^|]*$/,
  );
});

Deno.test("IndexKeeper makes the indexes of a collection that is dropped and made again, but never the collection", async () => {
  await using database = await testDatabase("indexes");
  await jobs(database).insertMany(pending(1));
  await using store = openStore(database);
  await using _keeping = new Keeping(store);
  const names = async () => (await database.db.listCollections().toArray()).map(({ name }) => name);
  await waitFor("the indexes", async () => (await jobs(database).indexes()).length === 3);
  await jobs(database).drop();
  for (let turn = 0; turn < 3; turn++) await assertRejects(() => store.source.look());
  assertEquals((await names()).includes(COLLECTION), false);
  await jobs(database).insertMany(pending(1));
  await waitFor("the index", async () => (await claimIndexes(database)).length === 1);
});

Deno.test("Indexes: an index of our name on other keys is left alone", async () => {
  await using database = await testDatabase("indexes");
  await using store = openStore(database);
  await jobs(database).createIndex({ other: 1 } as never, { name: "pulling_agent_claim" });
  await store.ensureIndexes();
  const found = await jobs(database).indexes();
  assertEquals(found.find(({ name }) => name === "pulling_agent_claim")!.key, { other: 1 });
});

Deno.test("Indexes: an agent on a server that refuses the index says so once and works", async () => {
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
  const stop = prepareStore(store, { ...SYSTEM, events: new Events(), log, ensureIndexes: true });
  try {
    await using agent = new InProcessAgent(store, () => {});
    await agent.until("the documents to be processed", () => agent.count("processed") === 10);
    await waitFor("the refusal to be told", () => lines.length > 0);
  } finally {
    stop();
    await failPoint("off");
  }
  assertEquals(lines.length, 1);
  assertEquals(lines[0]!.includes("Cannot make the index"), true, lines[0]);
  assertEquals(await claimIndexes(database), []);
});

Deno.test("Indexes: an agent that ends while the index is still being made reports no problem", async () => {
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
  const stop = prepareStore(store, { ...SYSTEM, events: new Events(), log, ensureIndexes: true });
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

Deno.test("Indexes: an agent works without any index, and on a collection that is not there yet", async () => {
  await using database = await testDatabase("indexes");
  await using store = openStore(database);
  const { documents, hasMore } = await store.take();
  assertEquals([documents, hasMore], [[], false]);
  await using agent = new InProcessAgent(store, () => {});
  await agent.event("claimed");
  await jobs(database).insertMany(pending(10));
  await agent.until("the documents to be processed", () => agent.count("processed") === 10);
});

Deno.test("Indexes: a collection that is dropped and filled again while the agent runs is processed on", async () => {
  await using database = await testDatabase("indexes");
  await using store = openStore(database);
  await using agent = new InProcessAgent(store, () => {});
  for (const total of [10, 20]) {
    await jobs(database).insertMany(pending(10));
    await agent.until("the documents to be processed", () => agent.count("processed") === total);
    await database.db.dropCollection(COLLECTION);
  }
});
