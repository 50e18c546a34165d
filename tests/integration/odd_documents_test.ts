import { assert, assertEquals, assertMatch } from "@std/assert";
import { Binary, BSONRegExp, Double, Long } from "bson";
import { InProcessAgent } from "../support/in_process_agent.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { insertInvalidUtf8, INVALID } from "../support/raw_insert.ts";
import { type AnyDocument, COLLECTION, idsOf, jobs, letters, openStore, pending } from "../support/store.ts";
import { waitFor } from "../support/wait.ts";
import { isOlderThan } from "../support/server_version.ts";

const NEARLY_16_MIB = 16 * 1024 * 1024 - 60;

function nested(depth: number): unknown {
  return depth === 0 ? 1 : { a: nested(depth - 1) };
}

/** What people keep in documents, odd as it may be. */
const ODD: Record<string, AnyDocument> = {
  "dots in its names": { "a.b": 1, c: { "d.e": [{ "f.g": 2 }] } },
  "dollars in its names": { $a: 1, b: { $c: { $d: 2 } } },
  "an empty name": { "": 1, a: { "": 2 } },
  "names of JavaScript's": { __proto__: 1, constructor: 2, toString: 3, hasOwnProperty: 4, length: 5 },
  "numbers for names": { 10: "a", 9: "b", a: { 1: 1, 0: 0 } },
  "deep nesting": { deep: nested(95) },
  "many fields": Object.fromEntries(Array.from({ length: 3_000 }, (_, index) => [`field${index}`, index])),
  "a regular expression that JavaScript does not know": { pattern: new BSONRegExp("(?i)a++", "x") },
  "something like a reference": {
    ref: { $ref: "other", $id: 1 },
    at: { $date: 1 },
    number: { $numberLong: "1" },
  },
  "fields called like the agent's": { error: { kind: 1 }, processed_at: "never", token: 1, attempts: "many" },
  "large binary data": { data: new Binary(new Uint8Array(1024 * 1024)) },
};

for (const [what, fields] of Object.entries(ODD)) {
  // Older servers take no such document.
  const ignore = what === "dollars in its names" && isOlderThan("5.0");
  Deno.test(`Odd documents: a document with ${what} is read, failed, processed and left as it was`, {
    ignore,
  }, async () => {
    await using database = await testDatabase("odd documents");
    await using store = openStore(database);
    await jobs(database).insertMany([{ ...fields, _id: 1, status: "pending" }, ...pending(1, { from: 2 })]);
    const raw = { promoteValues: false, bsonRegExp: true };
    const before = await jobs(database).findOne({ _id: 1 }, raw);
    const runs: number[] = [];
    await using agent = new InProcessAgent(store, ({ _id }) => {
      runs.push(_id);
      if (_id === 1 && runs.filter((id) => id === 1).length === 1) throw new Error("once");
    });

    await agent.until("both to be processed", () => agent.count("processed") === 2);
    assertEquals(runs.sort(), [1, 1, 2]);
    const { status, processed_at: _, error: __, _pull: ___, ...after } = await jobs(database).findOne({
      _id: 1,
    }, raw);
    const { status: ____, processed_at: _____, error: ______, ...original } = before;
    assertEquals([status, after], ["processed", original]);
  });
}

Deno.test("Odd documents: a document with bytes that are not UTF-8 is processed, and keeps them", async () => {
  await using database = await testDatabase("odd documents");
  await using store = openStore(database);
  await insertInvalidUtf8(database, { _id: 1, status: "pending", text: `a${INVALID}b` });
  let seen = "";
  await using agent = new InProcessAgent(store, ({ text }) => {
    seen = text;
  });
  await agent.event("processed");
  assert(/^a\ufffd+b$/.test(seen), JSON.stringify(seen));
  const [bytes] = await jobs(database).find({}, { raw: true }).toArray();
  assert((bytes as Uint8Array).includes(0xff), "the bytes were changed");
});

const OVERSIZE = "that is too large for the bookkeeping";

/** Where nothing of the agent's can be written: what is in the way of it. */
const UNCLAIMABLE: Record<string, (database: TestDatabase) => Promise<unknown>> = {
  "whose _pull is a string": (database) =>
    jobs(database).insertOne({ _id: 1, status: "pending", _pull: "mine" }),
  "whose _pull is a number": (database) => jobs(database).insertOne({ _id: 1, status: "pending", _pull: 1 }),
  "whose _pull is null": (database) => jobs(database).insertOne({ _id: 1, status: "pending", _pull: null }),
  [OVERSIZE]: (database) =>
    jobs(database).insertOne({ _id: 1, status: "pending", x: "x".repeat(NEARLY_16_MIB) }),
  "that a validator keeps as it is": async (database) => {
    await jobs(database).insertOne({ _id: 1, status: "pending", fixed: true });
    await database.db.command({
      collMod: COLLECTION,
      validator: { $or: [{ fixed: { $ne: true } }, { status: "pending" }] },
    });
  },
};

for (const [what, insert] of Object.entries(UNCLAIMABLE)) {
  Deno.test(`Odd documents: a document ${what} keeps no other from being processed`, async () => {
    await using database = await testDatabase("odd documents");
    await using store = openStore(database);
    await jobs(database).insertMany(pending(1));
    await insert(database);
    await jobs(database).insertMany(pending(3, { from: 2 }));
    const runs: number[] = [];
    await using agent = new InProcessAgent(store, ({ _id }) => void runs.push(_id));

    await waitFor(
      "the others to be processed",
      async () => await jobs(database).countDocuments({ status: "processed" }) >= 4,
    );
    assertEquals(runs.sort(), [0, 2, 3, 4]);
    const left = () => agent.all("left_alone").flatMap(({ groups }) => groups);
    await agent.until("it to be told of", () => left().length + agent.all("dead_lettered").length);
    const isOversize = what === OVERSIZE;
    assertEquals(left().map(({ documents, example }) => [documents, example]), isOversize ? [] : [[1, 1]]);
    assertEquals(agent.all("dead_lettered").map(({ id }) => id), isOversize ? [1] : []);
    assertEquals(agent.all("claim_failed"), []);
    assertEquals(await jobs(database).distinct("_pull.attempts", { status: "processed" }), [1]);
  });
}

/** Keeps documents with `fixed` as they are. */
async function validate(database: TestDatabase): Promise<void> {
  await database.db.command({
    collMod: COLLECTION,
    validator: { $or: [{ fixed: { $ne: true } }, { status: "pending" }] },
  });
}

Deno.test("Odd documents: many documents that cannot be claimed are told from their neighbours in one go", async () => {
  await using database = await testDatabase("odd documents");
  await using store = openStore(database);
  await jobs(database).insertMany([
    ...pending(50),
    ...pending(50, { from: 50, fixed: true }),
    ...pending(20, { from: 100 }),
  ]);
  await validate(database);
  await using agent = new InProcessAgent(store, () => {});
  await agent.until("the others to be processed", () => agent.count("processed") === 70);
  assertEquals(agent.all("claim_refused").length, 50);
});

const PULLS: Record<string, unknown> = {
  "an empty array": [],
  "an array": [1, "a"],
  "a date": new Date(5),
  "true": true,
};

for (const [what, _pull] of Object.entries(PULLS)) {
  Deno.test(`Odd documents: a _pull that is ${what} is reported, and does not block other documents`, async () => {
    await using database = await testDatabase("odd documents");
    await using store = openStore(database);
    await jobs(database).insertMany([{ _id: 0, status: "pending", _pull }, ...pending(1, { from: 1 })]);
    const claims = [await store.take(), await store.take()];
    assertEquals(claims.map(idsOf), [[1], []]);
    assertEquals(claims.flatMap(({ refused }) => refused), []);
    const [left, ...others] = await store.leftAlone("idle") ?? [];
    assertEquals([left?.documents, left?.isMore, left?.example, others], [1, false, 0, []]);
    assertMatch(String(left!.reason), /_pull is not the agent's/);
  });
}

Deno.test("Odd documents: any number of documents with a _pull of their own cost nothing but their count", async () => {
  await using database = await testDatabase("odd documents");
  await using store = openStore(database);
  await jobs(database).insertMany([...pending(3000, { _pull: "mine" }), ...pending(3, { from: 3000 })]);
  const claims = [await store.take(2), await store.take(2), await store.take(2)];
  assertEquals(claims.map(idsOf), [[3000, 3001], [3002], []]);
  const [left] = await store.leftAlone("idle") ?? [];
  assertEquals([left?.documents, left?.isMore], [1000, true]);
});

Deno.test("Odd documents: a _pull that is an empty document is as good as none", async () => {
  await using database = await testDatabase("odd documents");
  await using store = openStore(database);
  await jobs(database).insertOne({ _id: 1, status: "pending", _pull: {} });
  assertEquals((await store.takeOne()).attempt, 1);
});

Deno.test("Odd documents: a document of 15 MiB is dead-lettered whole", async () => {
  await using database = await testDatabase("odd documents");
  await using store = openStore(database);
  await jobs(database).insertOne({
    _id: 1,
    status: "pending",
    data: new Binary(new Uint8Array(15 * 1024 * 1024)),
  });
  assertEquals(await store.deadLetter(await store.takeOne(), "fails"), 1);
  assertEquals((await letters(database).findOne()).document.data.length(), 15 * 1024 * 1024);
});

Deno.test("Odd documents: a document that leaves no room for its letter is dead-lettered by reference, and stays", async () => {
  await using database = await testDatabase("odd documents");
  // The letter names its source: with a long name it needs room that the document itself does not need.
  const mongodbCollection = "j".repeat(200);
  await using store = openStore(database, { mongodbCollection });
  const data = new Binary(new Uint8Array(16 * 1024 * 1024 - 1_600));
  const collection = database.db.collection<AnyDocument>(mongodbCollection);
  await collection.insertOne({ _id: 1, status: "pending", data });
  assertEquals(await store.deadLetter(await store.takeOne(), "e".repeat(600)), 1);

  const { document, by_reference: byReference } = await letters(database).findOne();
  assertEquals(Object.keys(document), ["_id"]);
  assertEquals([document._id, byReference], [1, true]);
  const stored = await collection.findOne();
  assertEquals([stored.status, stored.data.length()], ["failed", data.length()]);
});

/** Inserts a document whose `_id` JavaScript would put into another order: written as a map, it keeps the one it has. */
const reordered = (number: number) => ({ _id: new Map([["b", number], ["1", 2]]), status: "pending" });

const NAMELESS: Record<string, (database: TestDatabase, number: number) => Promise<unknown>> = {
  "is no UTF-8": (database, number) =>
    insertInvalidUtf8(database, { _id: `0${INVALID}${number}`, status: "pending" }),
  "has numbers for names": (database, number) => jobs(database).insertOne(reordered(number)),
};

for (const [what, insert] of Object.entries(NAMELESS)) {
  Deno.test(`Documents whose _id ${what} are reported once, and cost the others neither their turn nor a conflict`, async () => {
    await using database = await testDatabase("odd documents");
    await using store = openStore(database);
    // More of them than a batch holds, so that one batch cannot get past them.
    for (let number = 0; number < 25; number++) await insert(database, number);
    // Numbers come before text and documents, ObjectIds behind them: some are met first, some last.
    await jobs(database).insertMany(pending(30));
    await jobs(database).insertMany(pending(30).map(({ status }) => ({ status })));
    await using agent = new InProcessAgent(store, () => {}, { batchSize: 10 });
    await agent.until("the others to be processed", () => agent.count("processed") === 60);
    await agent.until("all to be reported", () => agent.all("claim_refused").length >= 25);
    await insert(database, 25);
    await agent.until("another one to be reported", () => agent.all("claim_refused").length >= 26);
    assertEquals(agent.all("claim_refused").length, 26);
    assertMatch(String(agent.all("claim_refused")[0]!.error), /JavaScript cannot hold its _id unchanged/);
    assertEquals(agent.all("claimed").filter(({ conflicts }) => conflicts > 0), []);
    assertEquals(await jobs(database).countDocuments({ status: "pending", _pull: null }), 26);
  });
}

Deno.test("Ids with a replacement character or names in any order that JavaScript keeps are claimed", async () => {
  await using database = await testDatabase("odd documents");
  await using store = openStore(database);
  await jobs(database).insertMany([
    { _id: "a\ufffdb", status: "pending" },
    { _id: { 1: 2, b: 1, c: { d: [1, "\ufffd"] } }, status: "pending" },
    { _id: { long: Long.fromNumber(5), double: new Double(5), text: "5" }, status: "pending" },
  ]);
  const claim = await store.take();
  assertEquals([claim.documents.length, claim.refused], [3, []]);
});
