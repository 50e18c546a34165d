import { assert, assertEquals, assertRejects } from "@std/assert";
import { MinKey } from "mongodb";
import { InProcessAgent } from "../support/in_process_agent.ts";
import { testDatabase } from "../support/mongod.ts";
import {
  type AnyDocument,
  COLLECTION,
  idsOf,
  jobs,
  letters,
  LONG_AGO,
  makeIndexes,
  openStore,
  pending,
} from "../support/store.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";
import { control, expireRanges, open, processAll, statuses } from "../support/ranges.ts";

Deno.test("CLAIM_MODE of range writes nothing on the documents that it claims, and drops a range once all are acked", async () => {
  await using database = await testDatabase("ranges");
  await using store = open(database);
  await jobs(database).insertMany(pending(5));
  const { documents } = await store.take(3);
  assertEquals(await jobs(database).countDocuments({ status: "pending", _pull: { $exists: false } }), 5);
  const { position, ranges: [range] } = await control(database);
  assertEquals([position, range.from, range.to, range.token], [2, new MinKey(), 2, documents[0]!.token]);
  await store.ack(documents.slice(1).map((document) => ({ document })));
  assertEquals((await control(database)).ranges.length, 1);
  await store.ack([{ document: documents[0]! }]);
  await store.close();
  assertEquals((await control(database)).ranges, []);
  assertEquals(await statuses(database), { processed: 3, pending: 2 });
});

Deno.test("CLAIM_MODE of range leases between live ranges what is inserted there, and inside one not before it is dropped", async () => {
  await using database = await testDatabase("ranges");
  await using one = open(database);
  await using other = open(database);
  await jobs(database).insertMany([10, 20, 30, 40].map((_id) => ({ _id, status: "pending" })));
  const first = await one.take(2);
  const second = await one.take(2);
  assertEquals([idsOf(first), idsOf(second)], [[10, 20], [30, 40]]);
  await one.ack(first.documents.map((document) => ({ document })));
  // The drop goes on in the background.
  while ((await control(database)).ranges.length > 1) await one.recover();
  await jobs(database).insertMany([15, 35].map((_id) => ({ _id, status: "pending" })));
  assertEquals(idsOf(await other.take()), [15]);
  assertEquals(idsOf(await other.take()), []);
  await one.ack(second.documents.map((document) => ({ document })));
  while ((await control(database)).ranges.length > 1) await one.recover();
  assertEquals(idsOf(await other.take()), [35]);
});

Deno.test("CLAIM_MODE of range gives the documents of a range that ran out to document mode, once each, and counts the takeover", async () => {
  await using database = await testDatabase("ranges");
  await using gone = open(database);
  await using store = open(database);
  await jobs(database).insertMany(pending(4));
  const held = await gone.take();
  await gone.ack([{ document: held.documents[0]! }]);
  await expireRanges(database);
  await jobs(database).insertOne({ _id: 1.5, status: "pending" });
  const claim = await store.take();
  assertEquals(idsOf(claim).toSorted(), [1, 1.5, 2, 3]);
  assertEquals(claim.takeovers, 4);
  assertEquals(
    new Set(claim.documents.map(({ attempt, wasTakenOver }) => `${attempt} ${wasTakenOver}`)),
    new Set(["1 true"]),
  );
  assertEquals((await control(database)).ranges, []);
  // What the first holder still writes misses.
  const late = await gone.ack(held.documents.slice(1).map((document) => ({ document })));
  assertEquals([late.matched, late.missed.length], [0, 3]);
  const nack = await gone.nack([{ document: held.documents[1]!, error: "late", delayMs: 0 }]);
  assertEquals(nack.matched, 0);
  assertEquals((await gone.renew(held.documents.slice(1))).length, 3);
  await store.ack(claim.documents.map((document) => ({ document })));
  assertEquals(await statuses(database), { processed: 5 });
});

Deno.test("CLAIM_MODE of range isolates a document that ends its process, after as many ends as document mode needs", async () => {
  await using database = await testDatabase("ranges");
  await jobs(database).insertMany(pending(2));
  // In a range, then in company by its own lease.
  for (let end = 1; end <= 2; end++) {
    await using store = open(database);
    assert((await store.take()).documents.length > 0);
    await expireRanges(database);
    await jobs(database).updateMany({ status: "processing" }, { $set: { "_pull.visible_at": LONG_AGO } });
  }
  await using store = open(database);
  const claim = await store.take();
  assertEquals([idsOf(claim), claim.hasSuspects], [[], true]);
  assert((await store.takeSuspect())?.suspect);
});

Deno.test("CLAIM_MODE of range releases at once what a drain has not started", async () => {
  await using database = await testDatabase("ranges");
  await using store = open(database);
  await using other = open(database);
  await jobs(database).insertMany(pending(50));
  const started = Promise.withResolvers<void>();
  const end = Promise.withResolvers<void>();
  await using agent = new InProcessAgent(store, async () => {
    started.resolve();
    await end.promise;
    return {};
  }, { concurrency: 1 });
  await started.promise;
  agent.agent.drain("test");
  await agent.event("released");
  const { documents } = await other.take();
  assertEquals([documents.length, documents[0]!.attempt], [49, 1]);
  end.resolve();
  await agent.stopped;
  await other.ack(documents.map((document) => ({ document })));
  assertEquals(await statuses(database), { processed: 50 });
});

Deno.test("CLAIM_MODE of range processes each document once with several agents, failures and dead letters", async () => {
  await using database = await testDatabase("ranges");
  await using first = open(database);
  await using second = open(database);
  await using third = open(database);
  await makeIndexes(database, first);
  await jobs(database).insertMany(pending(2000));
  const runs = new Map<unknown, number>();
  const handler = (document: AnyDocument) => {
    runs.set(document._id, (runs.get(document._id) ?? 0) + 1);
    if (document._id % 100 === 7) throw Object.assign(new Error("no"), { permanent: true });
    if (document._id % 100 === 8 && runs.get(document._id) === 1) throw new Error("once");
    return Promise.resolve({ n: document._id });
  };
  const run = [first, second, third].map((store) =>
    new InProcessAgent(store, handler, { batchSize: 50, maxAttempts: 3 }, { untilEmpty: true })
  );
  await Promise.all(run.map(({ stopped }) => stopped));
  assertEquals(await statuses(database), { processed: 1980, failed: 20 });
  assertEquals(await letters(database).countDocuments(), 20);
  assertEquals([...runs.values()].filter((count) => count > 1).length, 20);
  for (const store of [first, second, third]) await store.close();
  assertEquals((await control(database)).ranges, []);
});

Deno.test("CLAIM_MODE of range finds a range again whose swap had no answer, and drops one that brings nothing", async () => {
  await using database = await testDatabase("ranges");
  await using proxy = new TcpProxy(database.uri);
  await using store = openStore({ uri: proxy.uri, name: database.name }, { claimMode: "range" });
  await using other = open(database);
  assertEquals(idsOf(await store.take()), []);
  await jobs(database).insertMany(pending(3));
  proxy.loseAnswers({ command: "update", collection: `${COLLECTION}_agents` }, 2);
  await assertRejects(() => store.take());
  assertEquals(idsOf(await other.take()), []);
  await jobs(database).updateMany({}, { $set: { status: "on hold" } });
  assertEquals(idsOf(await store.take()), []);
  while ((await control(database)).ranges.length > 0) await store.recover();
});

Deno.test("CLAIM_MODE of range claims a document by itself that has bookkeeping without a time", async () => {
  await using database = await testDatabase("ranges");
  await using store = open(database);
  await jobs(database).insertMany([{ _id: 1, status: "pending", _pull: {} }, { _id: 2, status: "pending" }]);
  assertEquals((await processAll(store)).toSorted(), [1, 2]);
});

Deno.test("CLAIM_MODE of range claims such a document also if new ones keep coming", async () => {
  await using database = await testDatabase("ranges");
  await using store = open(database);
  await jobs(database).insertMany(pending(20));
  await jobs(database).updateOne({ _id: 5 }, { $set: { _pull: { attempts: 1 } } });
  const ids: unknown[] = [];
  for (let last = 20; !ids.includes(5); last++) {
    assert(last < 2000);
    await jobs(database).insertOne({ _id: last, status: "pending" });
    const claim = await store.take(1);
    assertEquals(claim.documents.length, 1);
    ids.push(...idsOf(claim));
    await store.ack(claim.documents.map((document) => ({ document })));
  }
});

Deno.test("CLAIM_MODE of range: why tells who holds the range of a document, as long as it is held", async () => {
  await using database = await testDatabase("ranges");
  await using store = openStore(database, { claimMode: "range", agentName: "holder" });
  await jobs(database).insertMany(pending(2));
  const { documents } = await store.take(1);
  const told = async (id: string) => {
    const stories = await (await store.forCommands.documentStories()).of(id);
    assert(Array.isArray(stories));
    return stories.map(({ facts, obstacles }) => [facts.owner, ...obstacles.map(({ what }) => what)]);
  };
  assertEquals([await told("0"), await told("1")], [[["holder", "in_range"]], [[undefined]]]);
  await store.ack([{ document: documents[0]! }]);
  assertEquals(await told("0"), [[undefined, "processed"]]);
});
