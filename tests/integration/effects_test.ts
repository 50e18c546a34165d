import { assert, assertEquals, assertInstanceOf, assertMatch, assertRejects } from "@std/assert";
import { RefusedEffectError, RefusedWritesError } from "../../agent/partial_writes.ts";
import { acksOf, invoiced, invoiceFor, TARGET, transactionsIn } from "../support/effects.ts";
import { InProcessAgent } from "../support/in_process_agent.ts";
import { testDatabase } from "../support/mongod.ts";
import { proxiedStore } from "../support/proxied_store.ts";
import { COLLECTION, jobs, openStore, pending } from "../support/store.ts";
import { waitFor } from "../support/wait.ts";

Deno.test("Effect writes: one that a unique index refuses among a hundred fails alone, in three transactions", async () => {
  await using setup = await proxiedStore("effects");
  const { database, proxy, store } = setup;
  await database.db.collection(TARGET).createIndex({ order: 1 }, { unique: true });
  await database.db.collection(TARGET).insertOne({ order: 42 });
  await jobs(database).insertMany(pending(100));
  const { documents } = await store.take();
  let error!: RefusedWritesError;
  const recorded = await proxy.record(async () => {
    error = await assertRejects(() => store.ackWithWrites(acksOf(documents)), RefusedWritesError);
  });
  assertEquals(transactionsIn(recorded), { begun: 3, commits: 1 });
  assertEquals([...error.refused.keys()], [42]);
  assertEquals(error.others, { matched: 99, missed: [] });
  const why = error.refused.get(42);
  assertInstanceOf(why, RefusedEffectError);
  assertMatch(why.message, /^insertOne in invoices: E11000 duplicate key/);
  assert(!store.isDoubtful(why));
  assertEquals(await jobs(database).countDocuments({ status: "processed" }), 99);
  assertEquals((await invoiced(database)).length, 100);
});

Deno.test("Effect writes: a validator of the source refuses one ack of a hundred, and no other document waits for it", async () => {
  await using setup = await proxiedStore("effects");
  const { database, proxy, store } = setup;
  await jobs(database).insertMany(pending(100));
  const { documents } = await store.take();
  const validator = { $nor: [{ _id: 42, status: "processed" }] };
  await database.db.command({ collMod: COLLECTION, validator });
  let error!: RefusedWritesError;
  const recorded = await proxy.record(async () => {
    error = await assertRejects(() => store.ackWithWrites(acksOf(documents)), RefusedWritesError);
  });
  assertEquals([...error.refused.keys()], [42]);
  assertEquals(error.others.matched, 99);
  // The server does not tell which document of one update is refused: the halves are tried.
  assert(transactionsIn(recorded).begun <= 2 * Math.ceil(Math.log2(100)) + 1);
  assertEquals((await invoiced(database)).length, 99);
});

Deno.test("Effect writes: many refused ones cost no more transactions than documents, and a few", async () => {
  await using setup = await proxiedStore("effects");
  const { database, proxy, store } = setup;
  await database.db.collection(TARGET).createIndex({ order: 1 }, { unique: true });
  await database.db.collection(TARGET).insertMany(Array.from({ length: 50 }, (_, order) => ({ order })));
  await jobs(database).insertMany(pending(100));
  const { documents } = await store.take();
  let error!: RefusedWritesError;
  const recorded = await proxy.record(async () => {
    error = await assertRejects(() => store.ackWithWrites(acksOf(documents)), RefusedWritesError);
  });
  assertEquals([error.refused.size, error.others.matched], [50, 50]);
  assert(transactionsIn(recorded).begun <= 110, `${transactionsIn(recorded).begun} transactions`);
});

Deno.test("Effect writes: more than a thousand make another transaction", async () => {
  await using setup = await proxiedStore("effects");
  const { database, proxy, store } = setup;
  await jobs(database).insertMany(pending(11));
  const { documents } = await store.take();
  const acks = documents.map((document) => ({
    document,
    writes: Array.from({ length: 91 }, (_, line) => invoiceFor(document.id, { line })),
  }));
  const recorded = await proxy.record(async () => {
    assertEquals((await store.ackWithWrites(acks)).matched, 11);
  });
  assertEquals(transactionsIn(recorded), { begun: 2, commits: 2 });
  assertEquals((await invoiced(database)).length, 11 * 91);
});

Deno.test("Effect writes: those of many documents to the same collections share commands, each document's in its order", async () => {
  await using setup = await proxiedStore("effects");
  const { database, proxy, store } = setup;
  await jobs(database).insertMany(pending(50));
  const { documents } = await store.take();
  const acks = documents.map((document) => ({
    document,
    writes: [
      invoiceFor(document.id),
      {
        collection: "totals",
        updateOne: { filter: { _id: "all" }, update: { $inc: { n: 1 } }, upsert: true },
      },
      {
        collection: TARGET,
        updateOne: { filter: { order: document.id }, update: { $set: { counted: true } } },
      },
      { collection: "log", insertOne: { order: document.id } },
      { collection: "log", deleteOne: { filter: { order: document.id } } },
    ],
  }));
  const recorded = await proxy.record(async () => {
    assertEquals((await store.ackWithWrites(acks)).matched, 50);
  });
  assertEquals(
    recorded.filter(({ body }) => body.autocommit === false).map(({ command }) => command),
    ["update", "insert", "update", "update", "insert", "delete", "commitTransaction"],
  );
  const { db } = database;
  assertEquals(await db.collection(TARGET).countDocuments({ counted: true }), 50);
  assertEquals((await db.collection<{ _id: string; n: number }>("totals").findOne({ _id: "all" }))?.n, 50);
  assertEquals(await db.collection("log").countDocuments(), 0);
});

Deno.test("Effect writes make a collection that is not there, and never touch the document that asks for them", async () => {
  await using database = await testDatabase("effects");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(2));
  const { documents } = await store.take();
  const every = { filter: { status: "processed" }, update: { $set: { seen: true } } };
  const settlement = await store.ackWithWrites(documents.map((document) => ({
    document,
    writes: [
      invoiceFor(document.id),
      { collection: COLLECTION, insertOne: { _id: 10 + Number(document.id), status: "pending" } },
      { collection: COLLECTION, deleteOne: { filter: { _id: document.id } } },
      { collection: COLLECTION, replaceOne: { filter: { _id: document.id }, replacement: { gone: true } } },
      ...document.id === 1 ? [{ collection: COLLECTION, updateOne: every }] : [],
    ],
  })));
  assertEquals(settlement.matched, 2);
  assertEquals(await invoiced(database), [0, 1]);
  const next = await store.take();
  assertEquals(next.documents.map(({ id }) => id), [10, 11], "a stage inserts documents for the next one");
  const [zero, one] = await jobs(database).find({ _id: { $lt: 2 } }).sort({ _id: 1 }).toArray();
  assertEquals([zero.status, zero.seen, one.status, one.seen], ["processed", true, "processed", undefined]);
});

Deno.test("Effect writes: an attempt whose writes are refused fails with their error, and the document is a dead letter in the end", async () => {
  await using database = await testDatabase("effects");
  await using store = openStore(database, { maxAttempts: 2 });
  await database.db.createCollection(TARGET, { validator: { total: { $gte: 0 } } });
  await jobs(database).insertMany([
    ...pending(20, { total: 1 }),
    { _id: 99, status: "pending", total: -1 },
  ]);
  const process = ({ _id, total }: Record<string, unknown>) => ({
    writes: [invoiceFor(_id, { total: 0 }), invoiceFor(_id, { total })],
  });
  await using agent = new InProcessAgent(store, process, { maxAttempts: 2 });
  const { attempt, error, id } = await agent.event("dead_lettered");
  assertEquals([id, attempt], [99, 2]);
  assertMatch(
    error,
    /^The writes cannot be made: write 2 of 2, insertOne in invoices: Document failed validation/,
  );
  await agent.until("all others to be processed", () => agent.count("processed") === 20);
  assertEquals((await invoiced(database)).length, 40);
  assertEquals(await jobs(database).countDocuments({ "_pull.attempts": 1, status: "processed" }), 20);
});

Deno.test("Effect writes to a view or a capped collection are refused at once, as no wait mends that", async () => {
  await using database = await testDatabase("effects");
  await using store = openStore(database);
  await database.db.createCollection("capped", { capped: true, size: 100_000 });
  await database.db.createCollection("view", { viewOn: COLLECTION, pipeline: [] });
  await jobs(database).insertMany(pending(3));
  const { documents } = await store.take();
  const acks = documents.map((document, position) => ({
    document,
    writes: [{ collection: ["capped", "view", TARGET][position]!, insertOne: {} }],
  }));
  const error = await assertRejects(() => store.ackWithWrites(acks), RefusedWritesError);
  assertEquals([...error.refused.keys()].sort(), [0, 1]);
  for (const why of error.refused.values()) {
    assert(why instanceof RefusedEffectError && !store.isDoubtful(why), String(why));
  }
  assertEquals(error.others.matched, 1);
});

Deno.test("Effect writes of three agents to one counter are all made, once each", async () => {
  await using database = await testDatabase("effects");
  const count = 900;
  await jobs(database).insertMany(pending(count));
  const process = ({ _id }: Record<string, unknown>) => ({
    writes: [
      {
        collection: "totals",
        updateOne: { filter: { _id: "all" }, update: { $inc: { n: 1 } }, upsert: true },
      },
      invoiceFor(_id),
    ],
  });
  await using first = openStore(database);
  await using second = openStore(database);
  await using third = openStore(database);
  await using one = new InProcessAgent(first, process);
  await using two = new InProcessAgent(second, process);
  await using three = new InProcessAgent(third, process);
  const agents = [one, two, three];
  const done = () => agents.reduce((sum, agent) => sum + agent.count("processed"), 0) === count;
  await waitFor("all to be processed", done);
  const totals = database.db.collection<{ _id: string; n: number }>("totals");
  assertEquals((await totals.findOne({ _id: "all" }))?.n, count);
  assertEquals(await invoiced(database), Array.from({ length: count }, (_, order) => order));
  assertEquals(await jobs(database).distinct("_pull.attempts"), [1]);
  assertEquals(agents.flatMap((agent) => agent.all("retried")), []);
});
