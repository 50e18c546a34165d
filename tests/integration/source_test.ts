import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { SourceError } from "../../agent/errors.ts";
import type { StoreSettings } from "../../agent/store/store_settings.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { proxiedStore } from "../support/proxied_store.ts";
import { COLLECTION, idsOf, jobs, LETTERS, openStore, pending, type TestStore } from "../support/store.ts";
import { isOlderThan } from "../support/server_version.ts";

/** A store whose claims make sure that there is a collection, as those of an agent do. */
function guarded(
  database: Pick<TestDatabase, "uri" | "name">,
  overrides: Partial<StoreSettings> = {},
): TestStore {
  const store = openStore(database, overrides);
  store.guardSource();
  return store;
}

async function refusal(act: () => Promise<unknown>): Promise<SourceError> {
  return await assertRejects(act, SourceError);
}

for (const standalone of [false, true]) {
  Deno.test(`MongoStore claims from no collection that is not there, makes none, and goes on once it is (${standalone ? "standalone" : "replica set"})`, async () => {
    await using database = await testDatabase("source", { standalone, empty: true });
    await using store = guarded(database);
    for (let turn = 0; turn < 2; turn++) {
      for (const act of [() => store.take(), () => store.ensureIndexes()]) {
        const { isLasting, message } = await refusal(act);
        assertEquals(isLasting, false);
        assertEquals(
          message,
          `There is no collection jobs in the database ${database.name}, which has no collections. The agent makes none`,
        );
      }
    }
    assertEquals(await database.db.listCollections().toArray(), []);
    await jobs(database).insertMany(pending(2));
    assertEquals(idsOf(await store.take()), [0, 1]);
    assertEquals(await store.ensureIndexes(), []);
    assertEquals((await jobs(database).indexes()).length, 3);
  });
}

for (
  const [there, said] of [
    [["job", "invoices"], ": did you mean job?"],
    [["Jobs", "jobz"], ": did you mean Jobs?"],
    [["bojs"], ": did you mean bojs?"],
    [["invoices", "orders"], ", which has invoices, orders."],
    [
      Array.from({ length: 12 }, (_, index) => `c${index}`),
      ", which has c0, c1, c10, c11, c2, c3, c4, c5, c6, c7 and more.",
    ],
  ] as const
) {
  Deno.test(`SourceError says of ${there.join(" and ")} what may be meant`, async () => {
    await using database = await testDatabase("source", { empty: true });
    for (const name of there) await database.db.createCollection(name);
    await using store = guarded(database);
    const { message } = await refusal(() => store.take());
    assertEquals(
      message,
      `There is no collection jobs in the database ${database.name}${said} The agent makes none`,
    );
  });
}

Deno.test("SourceError names the database that may be meant, if the named one is empty", async () => {
  await using database = await testDatabase("source");
  await using store = guarded(database, { mongodbDatabase: `${database.name}x` });
  const { message } = await refusal(() => store.take());
  assertMatch(
    message,
    new RegExp(`, which has no collections: did you mean the database ${database.name}\\?`),
  );
});

/** What a server says that lets us ask in no way, in the ordinary way alone, or that cannot tell. */
const REFUSALS = {
  "by right": { errorCode: 13, times: 1 },
  "in whichever way": { errorCode: 13, times: 2 },
  "as it does not know the command": { errorCode: 59, times: 1 },
};

for (const [how, { errorCode, times }] of Object.entries(REFUSALS)) {
  Deno.test(`MongoStore claims even if the server refuses to list collections ${how}`, async () => {
    await using database = await testDatabase("source");
    const appName = `list-${crypto.randomUUID()}`;
    await jobs(database).insertMany(pending(1));
    await using store = guarded({ uri: `${database.uri}&appName=${appName}`, name: database.name });
    const admin = database.client.db("admin");
    const data = { appName, failCommands: ["listCollections"], errorCode };
    await admin.command({ configureFailPoint: "failCommand", mode: { times }, data });
    try {
      assertEquals(idsOf(await store.take()), [0]);
    } finally {
      await admin.command({ configureFailPoint: "failCommand", mode: "off" });
    }
  });
}

const OTHERS = {
  "a view": {
    options: { viewOn: "documents", pipeline: [] },
    says: /^MONGODB_COLLECTION is jobs, which is a view, /,
  },
  "a time-series collection": {
    options: { timeseries: { timeField: "at" } },
    says: /^MONGODB_COLLECTION is jobs, which is a time-series collection, /,
  },
};

for (const [what, { options, says }] of Object.entries(OTHERS)) {
  const ignore = "timeseries" in options && isOlderThan("5.0");
  Deno.test(
    `MongoStore claims from no collection that is ${what}, and says that it is one`,
    { ignore },
    async () => {
      await using database = await testDatabase("source");
      await database.db.createCollection(COLLECTION, options);
      await using store = guarded(database);
      for (const act of [() => store.take(), () => store.ensureIndexes()]) {
        const { isLasting, message } = await refusal(act);
        assertEquals(isLasting, true);
        assertMatch(message, says);
      }
    },
  );
}

Deno.test("MongoStore claims nothing if dead letters would go into a view", async () => {
  await using database = await testDatabase("source");
  await jobs(database).insertMany(pending(1));
  await database.db.createCollection(LETTERS, { viewOn: COLLECTION, pipeline: [] });
  await using store = guarded(database);
  const { isLasting, message } = await refusal(() => store.take());
  assertEquals(isLasting, true);
  assertMatch(message, /^DEAD_LETTER_COLLECTION is jobs_dead_letters, which is a view, /);
});

Deno.test("Source warns of a capped collection, from which the server removes what is not processed", async () => {
  await using database = await testDatabase("source");
  await database.db.createCollection(COLLECTION, { capped: true, size: 1_000_000 });
  await using store = guarded(database);
  await store.take();
  assertMatch(
    store.source.warning!,
    /^The collection jobs is capped: the server removes its oldest documents/,
  );
});

Deno.test("Source is looked at once, and again after what was known of it may hold no longer", async () => {
  await using setup = await proxiedStore("source");
  const { database, proxy, store } = setup;
  store.guardSource();
  await jobs(database).insertMany(pending(9));
  const looks = async () => {
    const commands = await proxy.record(async () => void await store.take(1));
    return commands.filter(({ command }) => command === "listCollections").length;
  };
  assertEquals([await looks(), await looks(), await looks()], [1, 0, 0]);
  store.source.forget();
  assertEquals([await looks(), await looks()], [1, 0]);
});
