import { assertEquals } from "@std/assert";
import { testDatabase } from "../support/mongod.ts";
import { idsOf, jobs, LONG_AGO, openStore, pending } from "../support/store.ts";

const LATER = new Date(Date.now() + 3_600_000);

Deno.test("Claim order: a claim takes due retries first, then expired leases, then new documents", async () => {
  await using database = await testDatabase("claim order");
  await using store = openStore(database);
  await jobs(database).insertMany([
    { _id: "new", status: "pending" },
    { _id: "expired", status: "processing", _pull: { token: "old", visible_at: LONG_AGO, attempts: 1 } },
    { _id: "retry", status: "pending", _pull: { visible_at: LONG_AGO, attempts: 1 } },
  ]);

  const claim = await store.take();
  assertEquals(idsOf(claim), ["retry", "expired", "new"]);
  assertEquals(claim.takeovers, 1);
});

Deno.test("Claim order: a claim with room for some takes the preferred kind alone", async () => {
  await using database = await testDatabase("claim order");
  await jobs(database).insertMany([
    ...pending(5, { from: 0 }),
    ...pending(5, { from: 10, _pull: { visible_at: LONG_AGO, attempts: 1 } }),
  ]);

  await using first = openStore(database);
  assertEquals(idsOf(await first.take(5)), [10, 11, 12, 13, 14]);
  await using second = openStore(database);
  assertEquals(idsOf(await second.take(5)), [0, 1, 2, 3, 4]);
});

Deno.test("Claim order: retries are claimed by how long they have been due", async () => {
  await using database = await testDatabase("claim order");
  await using store = openStore(database);
  await jobs(database).insertMany(
    [3, 1, 2].map((second) => ({
      _id: `due at ${second}`,
      status: "pending",
      _pull: { visible_at: new Date(second * 1000), attempts: 1 },
    })),
  );

  assertEquals(idsOf(await store.take(1)), ["due at 1"]);
});

Deno.test("Claim order: retries come at least once a second while new documents keep coming", async () => {
  await using database = await testDatabase("claim order");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(2_000));
  assertEquals(idsOf(await store.take(1)), [0]);
  await jobs(database).insertOne({
    _id: "retry",
    status: "pending",
    _pull: { visible_at: LONG_AGO, attempts: 1 },
  });

  const claimed: unknown[] = [];
  while (!claimed.includes("retry")) {
    const ids = idsOf(await store.take(1));
    assertEquals(ids.length, 1, "new documents ran out before the retry was looked for");
    claimed.push(...ids);
  }
  assertEquals(claimed.length < 2_000, true);
});

Deno.test("Claim order: after a claim at random, what was released for it comes before new documents, time and again", async () => {
  await using database = await testDatabase("claim order");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(100));
  const released = (_id: string) => ({
    _id,
    status: "pending",
    _pull: { visible_at: LONG_AGO, attempts: 1 },
  });
  const random = await store.claim({ documents: 1, bytes: Infinity, atRandom: true });
  assertEquals(random.documents.length, 1);

  for (const id of ["first", "second", "third"]) {
    await jobs(database).insertOne(released(id) as never);
    assertEquals(idsOf(await store.take(1)), [id]);
  }
});

Deno.test("Claim order: a document without a due time counts as new, never as due", async () => {
  await using database = await testDatabase("claim order");
  await using store = openStore(database);
  await jobs(database).insertMany([
    { _id: 1, status: "pending" },
    { _id: 2, status: "pending", _pull: { visible_at: null } },
    { _id: 3, status: "pending", _pull: {} },
    { _id: 4, status: "processing", _pull: { token: "of somebody who gave no due time" } },
    { _id: 5, status: "processing", _pull: { token: "t", visible_at: null } },
    { _id: 9, status: "pending", _pull: { visible_at: LONG_AGO, attempts: 1 } },
  ]);

  // A comparison alone would show the documents without a date first, and hide the retry behind them.
  assertEquals(idsOf(await store.take(1)), [9]);
  const claim = await store.take();
  assertEquals(idsOf(claim), [1, 2, 3]);
  assertEquals(claim.takeovers, 0);
  assertEquals(claim.documents.map(({ attempt }) => attempt), [1, 1, 1]);
});

Deno.test("Claim order: a document that was scheduled for a time before 1970 is due", async () => {
  await using database = await testDatabase("claim order");
  await using store = openStore(database);
  await jobs(database).insertMany([
    { _id: "first", status: "pending", _pull: { visible_at: new Date(-1) } },
    { _id: "second", status: "pending", _pull: { visible_at: new Date(0) } },
  ]);
  const { documents } = await store.take();
  assertEquals(documents.map(({ id }) => id), ["first", "second"]);
});

Deno.test("Claim order: a document that its producer scheduled waits until it is due", async () => {
  await using database = await testDatabase("claim order");
  await using store = openStore(database);
  await jobs(database).insertMany([
    { _id: "later", status: "pending", _pull: { visible_at: LATER } },
    { _id: "due", status: "pending", _pull: { visible_at: LONG_AGO } },
  ]);

  const claim = await store.take();
  assertEquals(idsOf(claim), ["due"]);
  assertEquals(claim.documents[0]!.attempt, 1);
  await jobs(database).updateOne({ _id: "later" }, { $set: { "_pull.visible_at": LONG_AGO } });
  assertEquals(idsOf(await store.take()), ["later"]);
});

Deno.test("Claim order: a lease that has not expired is not taken over, nor is anything that is finished", async () => {
  await using database = await testDatabase("claim order");
  await using store = openStore(database);
  const lease = { token: "t", owner: "another", visible_at: LATER, attempts: 1 };
  await jobs(database).insertMany([
    { _id: 1, status: "processing", _pull: lease },
    { _id: 2, status: "processed", _pull: { attempts: 1 } },
    { _id: 3, status: "failed", _pull: { ...lease, visible_at: LONG_AGO } },
    { _id: 4, status: "PENDING" },
    { _id: 5 },
  ]);

  assertEquals(idsOf(await store.take()), []);
});

Deno.test("FILTER narrows every kind of claim, in Extended JSON", async () => {
  await using database = await testDatabase("claim order");
  const filter = `{
    "kind": "order",
    "at": { "$gte": { "$date": "2020-01-01T00:00:00Z" } },
    "$or": [{ "size": { "$numberLong": "9007199254740993" } }, { "size": { "$lt": 10 } }]
  }`;
  await using store = openStore(database, { filter });
  const at = new Date("2021-01-01");
  const retry = { visible_at: LONG_AGO, attempts: 1 };
  await jobs(database).insertMany([
    { _id: 1, status: "pending", kind: "order", at, size: 9007199254740993n },
    { _id: 2, status: "pending", kind: "order", at, size: 9007199254740992n },
    { _id: 3, status: "pending", kind: "order", at: new Date("2019-01-01"), size: 1 },
    { _id: 4, status: "pending", kind: "letter", at, size: 1 },
    { _id: 5, status: "pending", kind: "order", at, size: 1, _pull: retry },
    { _id: 6, status: "pending", kind: "letter", at, size: 1, _pull: retry },
    { _id: 7, status: "processing", kind: "order", at, size: 1, _pull: { ...retry, token: "t" } },
    { _id: 8, status: "processing", kind: "letter", at, size: 1, _pull: { ...retry, token: "t" } },
  ]);

  assertEquals(idsOf(await store.take()), [5, 7, 1]);
});
