import { assertEquals } from "@std/assert";
import { testDatabase } from "../support/mongod.ts";
import { COLLECTION, idsOf, jobs, openStore, pending } from "../support/store.ts";

Deno.test("claim() that waits for a transaction of others' has ended on the server when it answers", async () => {
  await using database = await testDatabase("given up claims");
  await jobs(database).insertMany(pending(3));
  await using store = openStore(database, { leaseMs: 4000 });
  await using session = database.client.startSession();
  session.startTransaction();
  await jobs(database).updateOne({ _id: 1 }, { $set: { kept: true } }, { session });
  assertEquals(idsOf(await store.take()), [0, 2]);
  const underWay = await database.client.db("admin").aggregate([
    { $currentOp: {} },
    { $match: { op: "update", ns: `${database.name}.${COLLECTION}` } },
  ]).toArray();
  assertEquals(underWay, [], "it would take documents that no agent processes once the transaction ends");
  await session.commitTransaction();
});
