import { assert, assertEquals } from "@std/assert";
import { testDatabase } from "../support/mongod.ts";
import { COLLECTION, idsOf, jobs, LONG_AGO, pending } from "../support/store.ts";
import { agents, control, expireRanges, open, statuses } from "../support/ranges.ts";

Deno.test("CLAIM_MODE of range passes over a locked document of a range that ran out, and keeps that part alone", async () => {
  await using database = await testDatabase("ranges");
  await using gone = open(database);
  await using store = open(database);
  await jobs(database).insertMany(pending(6));
  await gone.take(5);
  await expireRanges(database);
  const session = database.client.startSession();
  session.startTransaction();
  await jobs(database).updateOne({ _id: 2 }, { $set: { locked: true } }, { session });
  const claim = await store.take();
  // All others go on.
  assertEquals(idsOf(claim).toSorted(), [0, 1, 3, 4, 5]);
  const { ranges: [locked, own] } = await control(database);
  assertEquals([locked.from, locked.to, own.to], [1, 2, 5]);
  assert(locked.visible_at < own.visible_at);
  await session.commitTransaction();
  await session.endSession();
  await store.ack(claim.documents.map((document) => ({ document })));
  await expireRanges(database);
  // The first one leaves it alone for a moment.
  await using other = open(database);
  const left = await other.take();
  assertEquals([idsOf(left), left.documents[0]!.wasTakenOver], [[2], true]);
});

Deno.test("CLAIM_MODE of range takes a few of many ranges that ran out with each claim, and claims their documents", async () => {
  await using database = await testDatabase("ranges");
  await using gone = open(database);
  await using store = open(database);
  const count = 500;
  await jobs(database).insertMany(pending(count));
  await gone.take(1);
  const { ranges: [range] } = await control(database);
  const ranges = Array.from(
    { length: count },
    (_, at) => ({ ...range, from: at - 1, to: at, token: `${at}`, visible_at: LONG_AGO }),
  );
  await agents(database).updateOne({ _id: "ranges" }, { $set: { ranges } });
  const { documents, hasMore, takeovers } = await store.take(count);
  const left = (await control(database)).ranges.length;
  assert(left > 0 && left < count, `${left} of ${count} are left`);
  assertEquals([takeovers, documents.length, hasMore], [count - left, count - left, true]);
});

Deno.test("CLAIM_MODE of range claims a document by itself whose _id is too large for a range", async () => {
  await using database = await testDatabase("ranges");
  await using store = open(database);
  const ids = ["a", "b".repeat(1100), "c", "d".repeat(100_000)];
  await jobs(database).insertMany(ids.map((_id) => ({ _id, status: "pending" })));
  const held = [await store.take(), await store.take()].flatMap(({ documents }) => documents);
  assertEquals(new Set(held.map(({ id }) => id)), new Set(ids));
  const { position, ranges: [{ to }] } = await control(database);
  assertEquals([position, to], ["c", "c"]);
  await store.ack(held.map((document) => ({ document })));
  assertEquals(await statuses(database), { processed: 4 });
});

Deno.test("CLAIM_MODE of range reads the ranges once if nothing is left", async () => {
  await using database = await testDatabase("ranges");
  await using store = open(database);
  await using holder = open(database);
  await jobs(database).insertMany(pending(2));
  await holder.take();
  await store.take();
  await database.db.command({ profile: 2 });
  assertEquals(idsOf(await store.take()), []);
  await database.db.command({ profile: 0 });
  const reads = {
    ns: `${database.db.databaseName}.${COLLECTION}_agents`,
    "command.aggregate": { $exists: true },
  };
  assertEquals(await database.db.collection("system.profile").countDocuments(reads), 1);
});
