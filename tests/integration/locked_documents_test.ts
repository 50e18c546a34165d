import { assert, assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { UnansweredWritesError } from "../../agent/partial_writes.ts";
import type { LeasedDocument, Settlement } from "../../agent/ports.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { OpenTransaction } from "../support/open_transaction.ts";
import { type AnyDocument, idsOf, jobs, makeDue, openStore, pending } from "../support/store.ts";
import { waitFor } from "../support/wait.ts";

/** Leases of which a grouped write gets 200 ms. */
const LEASE_MS = 2000;
const LONG_LEASE = { leaseMs: 60_000 };

/** The ids of documents that are in the state which `query` says. */
async function idsWith(database: TestDatabase, query: AnyDocument): Promise<unknown[]> {
  return (await jobs(database).find(query).sort({ _id: 1 }).toArray()).map(({ _id }) => _id);
}

const SETTLING: Record<
  string,
  {
    query: AnyDocument;
    write(store: ReturnType<typeof openStore>, documents: LeasedDocument[]): Promise<Settlement>;
  }
> = {
  ack: {
    query: { status: "processed" },
    write: (store, documents) => store.ack(documents.map((document) => ({ document }))),
  },
  "ack with fields": {
    query: { status: "processed", result: 1 },
    write: (store, documents) => store.ack(documents.map((document) => ({ document, set: { result: 1 } }))),
  },
  "ack with writes": {
    query: { status: "processed" },
    write: (store, documents) =>
      store.ackWithWrites(
        documents.map((document) => ({
          document,
          writes: [{ collection: "targets", insertOne: { _id: document.id } }],
        })),
      ),
  },
  nack: {
    query: { "_pull.errors": { $size: 1 } },
    write: (store, documents) =>
      store.nack(documents.map((document) => ({ document, error: "fails", delayMs: 1000 }))),
  },
  release: {
    query: { status: "pending", "_pull.attempts": 0 },
    write: (store, documents) => store.release(documents),
  },
  "snooze of all alike": {
    query: { status: "pending", "_pull.attempts": 0, "_pull.snoozes": 1 },
    write: (store, documents) =>
      store.snooze(documents.map((document) => ({ document, snoozeMs: 3_600_000 }))),
  },
  "snooze of each for its own time": {
    query: { status: "pending", "_pull.attempts": 0, "_pull.snoozes": 1 },
    write: (store, documents) =>
      store.snooze(documents.map((document, position) => ({ document, snoozeMs: 3_600_000 + position }))),
  },
};

for (const [name, { query, write }] of Object.entries(SETTLING)) {
  Deno.test(`${name}: documents that a transaction locks stay open, and the others are written`, async () => {
    await using database = await testDatabase("locked documents");
    // The ids are not in the order in which they are claimed.
    await jobs(database).insertMany(pending(20));
    await using store = openStore(database, LONG_LEASE);
    const documents = [...(await store.take()).documents].reverse();
    await using transaction = await OpenTransaction.on(database, [0, 7, 8]);

    const error = await assertRejects(() => write(store, documents), UnansweredWritesError);
    assertEquals([...error.unanswered].map((at) => documents[at]!.id).sort(), [0, 7, 8]);
    assertEquals(error.others, { matched: 17, missed: [] });
    assert(error.isApart);
    assert(store.isTransient(error.cause));
    assertEquals((await idsWith(database, query)).length, 17);
    await transaction.commit();
    const open = documents.filter((_, at) => error.unanswered.has(at));
    assertEquals((await write(store, open)).matched, 3);
    assertEquals((await idsWith(database, query)).length, 20);
    // Each was written once.
    assertEquals(await idsWith(database, { "_pull.attempts": { $lt: 0 } }), []);
    assertEquals(await idsWith(database, { "_pull.errors.1": { $exists: true } }), []);
  });

  Deno.test(`${name}: a document of another holder among locked ones is missed`, async () => {
    await using database = await testDatabase("locked documents");
    await jobs(database).insertMany(pending(6));
    await using store = openStore(database, LONG_LEASE);
    const { documents } = await store.take();
    await jobs(database).updateOne({ _id: 4 }, { $set: { "_pull.token": "of another" } });
    await jobs(database).deleteOne({ _id: 5 });
    await using _transaction = await OpenTransaction.on(database, [0]);
    const error = await assertRejects(() => write(store, [...documents]), UnansweredWritesError);
    assertEquals([...error.unanswered].map((at) => documents[at]!.id), [0]);
    assertEquals(error.others.matched, 3);
    assertEquals(idsOf(error.others.missed), [4, 5]);
  });
}

Deno.test("renew() of documents of which a transaction locks one keeps the leases of all others", async () => {
  await using database = await testDatabase("locked documents");
  await jobs(database).insertMany(pending(20));
  await using store = openStore(database, { leaseMs: LEASE_MS });
  const { documents } = await store.take();
  const before = new Map(documents.map((document) => [document, document.leasedAtMs]));
  const { _pull: { visible_at: expired } } = await jobs(database).findOne({ _id: 0 });
  await using transaction = await OpenTransaction.on(database, [0]);

  const error = await assertRejects(() => store.renew(documents), UnansweredWritesError);
  assertEquals([...error.unanswered], [0]);
  assertInstanceOf(error.cause, Error);
  const renewed = documents.filter((document) => document.leasedAtMs > before.get(document)!);
  assertEquals(idsOf(renewed), idsOf(documents).slice(1));
  assertEquals((await idsWith(database, { "_pull.visible_at": { $gt: expired } })).length, 19);
  await transaction.commit();
  assertEquals(await store.renew(documents), []);
  assertEquals((await idsWith(database, { "_pull.visible_at": { $gt: expired } })).length, 20);
});

Deno.test("renew() tells of a lease that is lost although a transaction locks another document", async () => {
  await using database = await testDatabase("locked documents");
  await jobs(database).insertMany(pending(3));
  await using store = openStore(database, { leaseMs: LEASE_MS });
  const { documents } = await store.take();
  await jobs(database).updateOne({ _id: 2 }, { $set: { "_pull.token": "of another" } });
  await using _transaction = await OpenTransaction.on(database, [0]);
  assertEquals(idsOf(await store.renew(documents)), [2]);
});

Deno.test("claim() passes over documents that a transaction locks, and takes them once it is over", async () => {
  await using database = await testDatabase("locked documents");
  await jobs(database).insertMany(pending(20));
  await using store = openStore(database, LONG_LEASE);
  await using transaction = await OpenTransaction.on(database, [0, 7]);
  const { documents, refused, conflicts } = await store.take();
  assertEquals(idsOf(documents), [...Array(20).keys()].filter((id) => id !== 0 && id !== 7));
  assertEquals([refused, conflicts], [[], 0]);
  // It is not as if nothing were left: a Job would end.
  assert(store.isTransient(await assertRejects(() => store.take())));
  await transaction.commit();
  const rest = await waitFor("what was locked", async () => {
    const claim = await store.take().catch(() => undefined);
    return claim && claim.documents.length > 0 ? claim : undefined;
  });
  assertEquals(idsOf(rest), [0, 7]);
  assertEquals(rest.documents.map(({ attempt }) => attempt), [1, 1]);
});

Deno.test("claim() of retries passes over documents that a transaction locks", async () => {
  await using database = await testDatabase("locked documents");
  await jobs(database).insertMany(pending(4));
  await using store = openStore(database, LONG_LEASE);
  const { documents: first } = await store.take();
  await store.nack(first.map((document) => ({ document, error: "fails", delayMs: 0 })));
  await makeDue(jobs(database));
  await using _transaction = await OpenTransaction.on(database, [1]);
  const { documents } = await store.take();
  assertEquals(idsOf(documents).sort(), [0, 2, 3]);
  assertEquals(documents.map(({ attempt }) => attempt), [2, 2, 2]);
});

Deno.test("claim() gets past a transaction that locks more than a claim takes", async () => {
  await using database = await testDatabase("locked documents");
  await jobs(database).insertMany(pending(40));
  await using store = openStore(database, LONG_LEASE);
  await using _transaction = await OpenTransaction.on(database, [...Array(30).keys()]);
  const { documents } = await waitFor("documents that are free", async () => {
    const claim = await store.take(20).catch(() => undefined);
    return claim && claim.documents.length > 0 ? claim : undefined;
  });
  assert(documents.every(({ id }) => Number(id) >= 30));
});

Deno.test("claimSuspect() passes over a suspect that a transaction locks", async () => {
  await using database = await testDatabase("locked documents");
  const suspects = pending(2, { _pull: { attempts: 1, takeovers: 3, visible_at: new Date(1000) } });
  await jobs(database).insertMany(suspects);
  await using store = openStore(database, LONG_LEASE);
  await using _transaction = await OpenTransaction.on(database, [0]);
  assertEquals((await store.takeSuspect())?.id, 1);
});
