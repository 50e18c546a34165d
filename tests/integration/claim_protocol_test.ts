import { assert, assertEquals } from "@std/assert";
import { testDatabase } from "../support/mongod.ts";
import { proxiedStore } from "../support/proxied_store.ts";
import {
  COLLECTION,
  expireLeases,
  idsOf,
  jobs,
  LONG_AGO,
  makeDue,
  openStore,
  pending,
} from "../support/store.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";

const UPDATE = { command: "update", collection: COLLECTION };

Deno.test("Claimer: a claim writes status, token, owner, expiry and attempt, and leaves the user's fields alone", async () => {
  await using database = await testDatabase("claim protocol");
  await using store = openStore(database, { agentName: "pod-7", leaseMs: 60_000 });
  await jobs(database).insertOne({ _id: 1, status: "pending", nested: { a: [1, 2] } });

  const document = await store.takeOne();
  const { localTime } = await database.client.db("admin").command({ hello: 1 });
  const stored = await jobs(database).findOne({ _id: 1 });
  const { visible_at: visibleAt, ...bookkeeping } = stored._pull;
  assertEquals({ ...stored, _pull: bookkeeping }, {
    _id: 1,
    status: "processing",
    nested: { a: [1, 2] },
    _pull: { token: document.token, owner: "pod-7", attempts: 1 },
  });
  assert(visibleAt <= new Date(localTime.getTime() + 60_000), "the lease ends late");
  assert(visibleAt > new Date(localTime.getTime() + 30_000), "the lease ends early");
  assertEquals(document.read(), { _id: 1, status: "processing", nested: { a: [1, 2] } });
});

Deno.test("Claimer: a takeover is counted and costs no attempt: crashes beside other documents never use up the attempts (rule 11)", async () => {
  await using database = await testDatabase("claim protocol");
  await jobs(database).insertMany(pending(3));
  for (let crashes = 0; crashes < 2; crashes++) {
    await using store = openStore(database);
    const claim = await store.take();
    assertEquals(claim.takeovers, crashes === 0 ? 0 : 3);
    assertEquals(claim.documents.map(({ attempt }) => attempt), [1, 1, 1]);
    await expireLeases(jobs(database));
  }
  for (let crashes = 2; crashes < 8; crashes++) {
    await using store = openStore(database);
    assertEquals((await store.takeSuspect())?.attempt, 1);
    await expireLeases(jobs(database));
  }
  const stored = await jobs(database).find().toArray();
  assertEquals(stored.map(({ _pull }) => _pull.attempts), [1, 1, 1]);
  assertEquals(stored.reduce((sum, { _pull }) => sum + _pull.takeovers, 0), 9);
});

Deno.test("Claimer: a nack sets the takeovers back to zero, a release keeps them", async () => {
  await using database = await testDatabase("claim protocol");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(2));
  await store.take();
  await expireLeases(jobs(database));
  const { documents: [released, failed] } = await store.take();

  assertEquals((await store.release([released!])).matched, 1);
  assertEquals((await store.nack([{ document: failed!, error: "no", delayMs: 0 }])).matched, 1);
  const stored = await jobs(database).find().sort({ _id: 1 }).toArray();
  assertEquals(stored.map(({ _pull }) => _pull.takeovers), [1, undefined]);
  assertEquals(stored.map(({ _pull }) => _pull.attempts), [0, 1]);
});

Deno.test("Claimer: a claim that still matches after another's claim and nack counts from the stored attempts, not from those that it read (rule 9)", async () => {
  await using setup = await proxiedStore("claim protocol");
  const { database, proxy, store: slow, other: quick } = setup;
  await jobs(database).insertOne({ _id: 1, status: "pending", _pull: { visible_at: LONG_AGO, attempts: 1 } });

  const claim = proxy.hold(UPDATE);
  const late = slow.takeOne();
  await claim.arrived; // The slow one has read attempt 1.
  const second = await quick.takeOne();
  assertEquals(second.attempt, 2);
  await quick.nack([{ document: second, error: "fails", delayMs: 0 }]);
  await makeDue(jobs(database));
  claim.pass();

  assertEquals((await late).attempt, 3);
});

Deno.test("Claimer: a new document that fails in another agent between read and claim is not claimed as new (rule 2)", async () => {
  await using setup = await proxiedStore("claim protocol");
  const { database, proxy, store: slow, other: quick } = setup;
  await jobs(database).insertOne({ _id: 1, status: "pending" });

  const claim = proxy.hold(UPDATE);
  const late = slow.take();
  await claim.arrived;
  await quick.nack([{ document: await quick.takeOne(), error: "fails", delayMs: 0 }]);
  await makeDue(jobs(database));
  claim.pass();

  const { documents, hasMore, conflicts } = await late;
  assertEquals({ documents, hasMore, conflicts }, { documents: [], hasMore: true, conflicts: 1 });
});

Deno.test("Claimer: a document that was released counts as touched: it is read back after its next claim (rule 9)", async () => {
  await using setup = await proxiedStore("claim protocol");
  const { database, proxy, store: slow, other: quick } = setup;
  await jobs(database).insertOne({ _id: 1, status: "pending", n: "as it was" });
  await quick.release([await quick.takeOne()]);

  const claim = proxy.hold(UPDATE);
  const late = slow.takeOne();
  await claim.arrived;
  await jobs(database).updateOne({ _id: 1 }, { $set: { n: "edited" } });
  claim.pass();

  const document = await late;
  assertEquals(document.attempt, 1);
  assertEquals(document.read().n, "edited");
});

Deno.test("Claimer: a document whose bookkeeping has attempts but no due time counts on from what is stored (rule 9)", async () => {
  await using database = await testDatabase("claim protocol");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(2));
  await store.ack((await store.take()).documents.map((document) => ({ document })));
  // Processed once more by hand, as people do; they were told to unset _pull as well.
  await jobs(database).updateMany({}, { $set: { status: "pending" } });
  const { documents } = await store.take();
  assertEquals(documents.map(({ attempt }) => attempt), [2, 2]);
});

Deno.test("Claimer: a document that another program set to processing has no token and is never taken (rule 1)", async () => {
  await using database = await testDatabase("claim protocol");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(2));
  const { documents: [nacked, released] } = await store.take();
  await store.nack([{ document: nacked!, error: "fails", delayMs: 0 }]);
  await store.release([released!]);
  // Another program works on them, and knows nothing of our bookkeeping.
  await jobs(database).updateMany({}, { $set: { status: "processing", "_pull.visible_at": LONG_AGO } });

  assertEquals(idsOf(await store.take()), []);
});

Deno.test("Claimer: READ_BACK=always sees edits between read and claim, the default does not (rule 9)", async () => {
  await using database = await testDatabase("claim protocol");
  await using proxy = new TcpProxy(database.uri);
  for (const [readBack, seen] of [["always", "edited"], ["contended", "as it was"]] as const) {
    await using store = openStore({ uri: proxy.uri, name: database.name }, { readBack });
    await jobs(database).insertOne({ _id: readBack, status: "pending", n: "as it was" });

    const claim = proxy.hold(UPDATE);
    const taken = store.takeOne();
    await claim.arrived;
    await jobs(database).updateOne({ _id: readBack }, { $set: { n: "edited" } });
    claim.pass();
    assertEquals((await taken).read().n, seen);
  }
});

Deno.test("Claimer: a claim that lost some documents to another agent returns the others, as they are stored", async () => {
  await using setup = await proxiedStore("claim protocol");
  const { database, proxy, store } = setup;
  await jobs(database).insertMany(pending(4, { n: "as it was" }));

  const claim = proxy.hold(UPDATE);
  const taken = store.take();
  await claim.arrived;
  await jobs(database).deleteOne({ _id: 0 });
  await jobs(database).updateOne({ _id: 1 }, { $set: { status: "processing" } });
  await jobs(database).updateOne({ _id: 2 }, { $set: { n: "edited" } });
  claim.pass();

  const { documents, conflicts, hasMore } = await taken;
  assertEquals(documents.map((each) => [each.id, each.read().n]), [[2, "edited"], [3, "as it was"]]);
  assertEquals([conflicts, hasMore], [2, true]);
  assertEquals((await jobs(database).findOne({ _id: 1 }))._pull, undefined);
});

Deno.test("FILTER: a document that it no longer matches when it is claimed is left alone", async () => {
  await using setup = await proxiedStore("claim protocol", { filter: `{"ready": true}` });
  const { database, proxy, store } = setup;
  await jobs(database).insertOne({ _id: 1, status: "pending", ready: true });

  const claim = proxy.hold(UPDATE);
  const taken = store.take();
  await claim.arrived;
  await jobs(database).updateOne({ _id: 1 }, { $set: { ready: false } });
  claim.pass();
  assertEquals(idsOf(await taken), []);
});
