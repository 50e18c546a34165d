import { assertEquals, assertMatch } from "@std/assert";
import { restoreOf } from "../../control/why/mends.ts";
import { missingText, storyText } from "../../control/why/story_text.ts";
import type { MissingStory, Story } from "../../agent/store/why/story.ts";
import { InProcessAgent } from "../support/in_process_agent.ts";
import { mongosh } from "../support/mongosh.ts";
import { testDatabase } from "../support/mongod.ts";
import {
  type AnyDocument,
  COLLECTION,
  idsOf,
  jobs,
  LETTERS,
  letters,
  LONG_AGO,
  openStore,
  pending,
} from "../support/store.ts";
import { mendAll, obstaclesOf, storyOf } from "../support/stories.ts";
import { waitFor } from "../support/wait.ts";

Deno.test("why tells of a unique index for which document another one waits, and what to do if no agent holds that one", async () => {
  await using database = await testDatabase("why unique");
  await using store = openStore(database);
  await jobs(database).createIndex({ customer: 1 }, {
    unique: true,
    partialFilterExpression: { status: "processing" },
    name: "one_per_customer",
  });
  await jobs(database).insertMany([
    { _id: 1, status: "processing", customer: "Ann" },
    ...pending(1, { from: 2, customer: "Ann" }),
    ...pending(1, { from: 3, customer: "Bob" }),
    ...pending(1, { from: 4, customer: ["Ann"] }),
  ]);
  const story = await storyOf(store, 2);
  assertEquals(obstaclesOf(story), [
    'The unique index one_per_customer allows one document in processing with {"customer":"Ann"}, which is 1: ' +
    "no agent holds that one, so that this wait does not end by itself",
  ]);
  assertEquals(obstaclesOf(await storyOf(store, 3)), []);
  assertEquals(idsOf(await store.take()), [3]);
  // Now another document of the key is held, by an agent.
  assertEquals(await mendAll(database, story), 1);
  assertEquals(obstaclesOf(await storyOf(store, 2)), []);
  await using again = openStore(database);
  assertEquals(idsOf(await again.take(1)), [1]);
  const waiting = await storyOf(store, 2);
  assertMatch(obstaclesOf(waiting).join(), /which is 1: it is claimed when that one is settled$/);
  assertEquals(await mendAll(database, waiting), 0);
  assertMatch(storyText(waiting, { maxAttempts: 5 }, undefined), /^It waits for another document\.$/m);
  await jobs(database).updateOne({ _id: 1 }, { $set: { "_pull.visible_at": LONG_AGO } });
  await using agent = new InProcessAgent(again, () => {});
  await agent.until("both to be processed", () => agent.count("processed") >= 2);
});

for (
  const [what, validator, level] of [
    ["a query", { $or: [{ fixed: { $ne: true } }, { status: "pending" }] }, "strict"],
    ["a JSON schema", { $jsonSchema: { properties: { status: { enum: ["pending", "done"] } } } }, "strict"],
    ["a JSON schema that forbids further fields, moderate", {
      $jsonSchema: { additionalProperties: false, properties: { _id: {}, status: {}, fixed: {} } },
    }, "moderate"],
  ] as const
) {
  Deno.test(`why tells of a validator that refuses a claim: ${what}`, async () => {
    await using database = await testDatabase("why validator");
    await using store = openStore(database);
    await jobs(database).insertOne({ _id: 1, status: "pending", fixed: true });
    await database.db.command({ collMod: COLLECTION, validator, validationLevel: level });
    const story = await storyOf(store, 1);
    assertEquals(story.obstacles.map(({ what }) => what), ["validator"]);
    assertEquals(idsOf(await store.take()), []);
    assertEquals(await mendAll(database, story), 1);
    assertEquals(obstaclesOf(await storyOf(store, 1)), []);
    await using again = openStore(database);
    assertEquals(idsOf(await again.take()), [1]);
  });
}

Deno.test("why does not blame a validator that only warns, is off, or does not concern the document", async () => {
  await using database = await testDatabase("why validator");
  await using store = openStore(database);
  await jobs(database).insertMany([{ _id: 1, status: "pending" }]);
  const validator = { $jsonSchema: { required: ["customer"] } };
  for (
    const options of [
      { validationAction: "warn", validationLevel: "strict" },
      { validationAction: "error", validationLevel: "off" },
      { validationAction: "error", validationLevel: "moderate" },
    ]
  ) {
    await database.db.command({ collMod: COLLECTION, validator, ...options });
    assertEquals(obstaclesOf(await storyOf(store, 1)), [], JSON.stringify(options));
  }
  assertEquals(idsOf(await store.take()), [1]);
});

Deno.test("why tells of a document that has no room for a claim that it becomes a dead letter, to the byte", async () => {
  await using database = await testDatabase("why oversize");
  await using store = openStore(database);
  const sized = (_id: number, room: number) => ({
    _id,
    status: "pending",
    x: "x".repeat(16 * 1024 * 1024 - room),
  });
  // With 167 bytes of room it is exactly 16 MiB after the claim.
  for (const room of [169, 168, 167, 166]) {
    await jobs(database).insertOne(sized(room, room));
    const { obstacles } = await storyOf(store, room);
    const { documents, refused } = await store.take(1);
    const isTaken = documents.length === 1;
    assertEquals(obstacles.map(({ what }) => what), isTaken ? [] : ["too_large"], `${room} bytes of room`);
    assertEquals(refused.length, isTaken ? 0 : 1);
    await jobs(database).deleteMany({});
    await letters(database).deleteMany({});
  }
});

Deno.test("why tells of a deleted document what its letter has, and brings it back", async () => {
  await using database = await testDatabase("why deleted");
  await using store = openStore(database);
  await jobs(database).insertOne({ _id: 1, status: "pending", customer: "Ann" });
  await store.deadLetter(await store.takeOne(), "fails");
  await jobs(database).deleteOne({ _id: 1 });
  const missing = await (await store.forCommands.documentStories()).of("1") as MissingStory;
  assertMatch(
    missingText(missing),
    /^There is no document with the id "1" in .*\n- It was deleted after it had failed: there is a dead letter of \S+Z in jobs_dead_letters, which holds a copy of it\n {2}In mongosh: db/,
  );
  await mongosh(database.client, restoreOf(missing)!.command);
  const { customer, status } = await jobs(database).findOne({ _id: 1 });
  assertEquals([customer, status], ["Ann", "pending"]);
  assertEquals(obstaclesOf(await storyOf(store, 1)), []);
  assertEquals(idsOf(await store.take()), [1]);
});

Deno.test("why tells of an id that is in other collections alone, or in none", async () => {
  await using database = await testDatabase("why missing");
  await using store = openStore(database);
  await database.db.collection<AnyDocument>("orders").insertOne({ _id: 7, status: "pending" });
  await database.db.collection<AnyDocument>("old_letters").insertOne({
    _id: 8,
    dead_at: LONG_AGO,
    source: { collection: COLLECTION },
  });
  await letters(database).insertOne({ _id: 9, dead_at: LONG_AGO, source: { collection: "other" } });
  await jobs(database).insertOne({ _id: 1 });
  const told = async (id: string) =>
    missingText(await (await store.forCommands.documentStories()).of(id) as MissingStory);
  assertMatch(await told("7"), /\n- orders has a document with this id: look at MONGODB_COLLECTION$/);
  assertMatch(await told("8"), /\n- old_letters has a dead letter of it: look at DEAD_LETTER_COLLECTION$/);
  assertMatch(
    await told("9"),
    new RegExp(`\\n- ${LETTERS} has a dead letter with this id, of the collection other$`),
  );
  assertMatch(await told("10"), /\n- It was never inserted here, or was deleted: /);
});

Deno.test("why tells of a letter that is in the way, and of one that does not fit the document any more", async () => {
  await using database = await testDatabase("why letters");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(2));
  await letters(database).insertMany([
    { _id: 0, dead_at: LONG_AGO, source: { collection: "other" } },
    { _id: 1, dead_at: LONG_AGO, source: { collection: COLLECTION } },
  ]);
  const told = async (id: number) => storyText(await storyOf(store, id), { maxAttempts: 5 }, undefined);
  assertMatch(
    await told(0),
    /^letter +jobs_dead_letters has a letter with this _id of the collection other, which is in the way/m,
  );
  assertMatch(await told(1), /^letter .* which does not fit the document any more and counts for nothing$/m);
});

Deno.test("why tells of every document that a typed id may mean", async () => {
  await using database = await testDatabase("why several");
  await using store = openStore(database);
  await jobs(database).insertMany([{ _id: 5, status: "pending" }, { _id: "5", status: "new" }]);
  const stories = await (await store.forCommands.documentStories()).of("5") as Story[];
  assertEquals(stories.map(({ facts, obstacles }) => [facts.id.type, obstacles.length]), [[
    "32-bit integer",
    0,
  ], ["string", 1]]);
});

Deno.test("why counts the documents that come before one, by a clock that is the server's", async () => {
  await using database = await testDatabase("why before");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(30));
  const due = (_id: number, second: number) => ({
    _id,
    status: "pending",
    _pull: { visible_at: new Date(1000 * second), attempts: 1 },
  });
  await jobs(database).insertMany([due(100, 9), due(101, 3), due(102, 4)]);
  assertEquals((await storyOf(store, 20)).before, 20);
  assertEquals([(await storyOf(store, 100)).before, (await storyOf(store, 101)).before], [2, 0]);
  assertMatch(
    storyText(await storyOf(store, 1), { maxAttempts: 5 }, undefined),
    /\. 1 document of its kind comes before it/,
  );
});

Deno.test("why tells of a document that an agent changes meanwhile what it is now", async () => {
  await using database = await testDatabase("why changes");
  await using store = openStore(database);
  await jobs(database).insertOne({ _id: 1, status: "pending", n: 0 });
  const stop = new AbortController();
  const changing = (async () => {
    while (!stop.signal.aborted) await jobs(database).updateOne({ _id: 1 }, { $inc: { n: 1 } });
  })();
  // On a busy machine the other program may have no turn between two reads.
  const story = await waitFor("a document that changed between all reads", async () => {
    const found = await storyOf(store, 1);
    return found.isChanging ? found : undefined;
  });
  stop.abort();
  await changing;
  assertMatch(
    storyText(story, { maxAttempts: 5 }, undefined),
    /It was changed each time that it was read: run this again/,
  );
});

Deno.test("why compares as the collection does: under its collation another case may be the same status and the same id", async () => {
  await using database = await testDatabase("why collation");
  await using store = openStore(database);
  await database.db.createCollection(COLLECTION, { collation: { locale: "en", strength: 2 } });
  await jobs(database).insertMany([{ _id: "One", status: "PENDING" }, { _id: "two", status: "pending " }]);
  assertEquals(obstaclesOf(await storyOf(store, "one")), []);
  const second = await storyOf(store, "TWO");
  assertEquals(second.obstacles.map(({ what }) => what), ["status"]);
  assertEquals(idsOf(await store.take()), ["One"]);
  assertEquals(await mendAll(database, second), 1);
  assertEquals(idsOf(await store.take()), ["two"]);
});
