import { assertEquals } from "@std/assert";
import { Binary, BSONSymbol, Code, Decimal128, Double, Int32, Long, MaxKey, MinKey, ObjectId } from "mongodb";
import { Timestamp, UUID } from "mongodb";
import { control, expireRanges, open, processAll, statuses } from "../support/ranges.ts";
import { testDatabase } from "../support/mongod.ts";
import { COLLECTION, jobs, makeIndexes } from "../support/store.ts";
import { proxiedStore } from "../support/proxied_store.ts";

/** An `_id` of each type that a server admits, and at the ends of those that have any. */
const IDS = [
  new MinKey(),
  null,
  NaN,
  -Infinity,
  -1,
  new Double(-0),
  new Int32(1),
  2.5,
  Long.fromString("9007199254740993"),
  Decimal128.fromString("1e400"),
  Infinity,
  "",
  "a",
  new BSONSymbol("b"),
  {},
  { a: 1 },
  new Binary(new Uint8Array()),
  new Binary(new Uint8Array([1, 2])),
  new UUID(),
  new ObjectId("0".repeat(24)),
  new ObjectId(),
  false,
  true,
  new Date(-1),
  new Date(5),
  new Timestamp({ t: 1, i: 1 }),
  new Code("1"),
  new Code("1", { a: "b" }),
  new MaxKey(),
];
const BEHIND = [-2, "\u0001", new Date(-2), { a: 0 }];

for (const size of [1, 2, 100]) {
  Deno.test(`CLAIM_MODE of range reaches ids of every type with ranges of ${size}, and those that are inserted behind the position`, async () => {
    await using database = await testDatabase("ranges");
    await using store = open(database);
    await makeIndexes(database, store);
    await jobs(database).insertMany(IDS.map((_id) => ({ _id, status: "pending" })));
    assertEquals((await processAll(store, size)).length, IDS.length);
    await jobs(database).insertMany(BEHIND.map((_id) => ({ _id, status: "pending" })));
    assertEquals((await processAll(store, size)).length, BEHIND.length);
    assertEquals(await statuses(database), { processed: IDS.length + BEHIND.length });
  });
}

Deno.test("CLAIM_MODE of range takes documents over with ids of every type", async () => {
  await using database = await testDatabase("ranges");
  await using gone = open(database);
  await using store = open(database);
  await jobs(database).insertMany(IDS.map((_id) => ({ _id, status: "pending" })));
  while ((await gone.take(3)).hasMore);
  await expireRanges(database);
  await jobs(database).updateMany({ status: "processing" }, { $set: { "_pull.visible_at": new Date(0) } });
  assertEquals((await processAll(store)).length, IDS.length);
  assertEquals(await statuses(database), { processed: IDS.length });
});

Deno.test("CLAIM_MODE of range asks three queries for new documents between any number of ranges", async () => {
  await using setup = await proxiedStore("ranges", { claimMode: "range" });
  const { database, proxy, store } = setup;
  await using holder = open(database);
  await jobs(database).insertMany(Array.from({ length: 60 }, (_, n) => ({ _id: 10 * n, status: "pending" })));
  // Every second range is done: there is a gap in its place.
  for (let n = 0; n < 60; n++) {
    const { documents } = await holder.take(1);
    if (n % 2 === 0) await holder.ack([{ document: documents[0]! }]);
  }
  while ((await control(database)).ranges.length > 30) await holder.recover();
  await jobs(database).insertOne({ _id: 355, status: "pending" });
  const recorded = await proxy.record(async () => {
    assertEquals((await store.take()).documents.map(({ id }) => id), [355]);
  });
  const reads = recorded.filter(({ body, collection }) =>
    [COLLECTION, `${COLLECTION}_agents`].includes(collection ?? "") &&
    JSON.stringify(body).includes('["$_id",')
  );
  // The first gap, which is the next one with a document, and that one.
  assertEquals(reads.length, 3);
});

Deno.test("CLAIM_MODE of range gives each document to one agent if the collection of the agents has a collation", async () => {
  await using database = await testDatabase("ranges");
  await database.db.createCollection(`${COLLECTION}_agents`, { collation: { locale: "en", strength: 2 } });
  await using one = open(database);
  await using other = open(database);
  const ids = ["A", "D", "E", "a", "b", "c"];
  await jobs(database).insertMany(ids.map((_id) => ({ _id, status: "pending" })));
  const taken: unknown[] = [];
  for (let turn = 0; turn < 6; turn++) {
    taken.push(...(await [one, other][turn % 2]!.take(1)).documents.map(({ id }) => id));
  }
  assertEquals(taken, ids);
});
