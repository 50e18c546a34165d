import { assert, assertEquals } from "@std/assert";
import type { LeasedDocument } from "../../agent/ports.ts";
import { testDatabase } from "../support/mongod.ts";
import {
  expireLeases,
  idsOf,
  jobs,
  LONG_AGO,
  makeDue,
  openStore,
  pending,
  type TestStore,
} from "../support/store.ts";

/** Each write that a holder may make, in one call. */
const WRITES: Record<string, (store: TestStore, document: LeasedDocument) => Promise<unknown>> = {
  ack: async (store, document) => (await store.ack([{ document }])).matched,
  "ack with fields": async (store, document) =>
    (await store.ack([{ document, set: { written: true } }])).matched,
  nack: async (store, document) => (await store.nack([{ document, error: "stale", delayMs: 0 }])).matched,
  release: async (store, document) => (await store.release([document])).matched,
  snooze: async (store, document) => (await store.snooze([{ document, snoozeMs: 1 }])).matched,
  renew: async (store, document) => 1 - (await store.renew([document])).length,
  "dead letter": (store, document) => store.deadLetter(document, "stale"),
  "finish of a verdict": (store, document) => store.finishVerdict(document),
};

Deno.test("Settlements: an acked document is processed at the server's time and keeps only the attempts of its bookkeeping", async () => {
  await using database = await testDatabase("settlements");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(2, { field: "of the user's" }));
  const { documents: [failing] } = await store.take();
  await store.nack([{ document: failing!, error: "fails", delayMs: 0 }]);
  await expireLeases(jobs(database));
  await makeDue(jobs(database));
  const { documents } = await store.take();
  const { localTime: before } = await database.client.db("admin").command({ hello: 1 });

  assertEquals((await store.ack(documents.map((document) => ({ document })))).matched, 2);
  const stored = await jobs(database).find().sort({ _id: 1 }).toArray();
  for (const each of stored) assert(each.processed_at >= before);
  assertEquals(stored.map(({ processed_at: _, ...rest }) => rest), [
    { _id: 0, status: "processed", field: "of the user's", _pull: { attempts: 2 } },
    { _id: 1, status: "processed", field: "of the user's", _pull: { attempts: 1 } },
  ]);
});

Deno.test("Settlements: a nacked document waits with its error for its own delay, without a lease", async () => {
  await using database = await testDatabase("settlements");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(2));
  const { documents: [soon, late] } = await store.take();

  const nacks = [
    { document: soon!, error: "fails a bit", delayMs: 0 },
    { document: late!, error: "fails a lot", delayMs: 3_600_000 },
  ];
  assertEquals((await store.nack(nacks)).matched, 2);
  const stored = await jobs(database).find().sort({ _id: 1 }).toArray();
  const [first, second] = stored.map(({ _pull }) => _pull);
  assertEquals(Math.round((second.visible_at - first.visible_at) / 60_000), 60);
  assertEquals(stored.map(({ status, error }) => [status, error]), [
    ["pending", "fails a bit"],
    ["pending", "fails a lot"],
  ]);
  const { visible_at: _, errors: [{ at, ...error }], ...rest } = first;
  assert(at instanceof Date);
  assertEquals(error, { attempt: 1, message: "fails a bit" });
  assertEquals(rest, { attempts: 1 });
});

Deno.test("Settlements: the last five errors of a document are kept, oldest first", async () => {
  await using database = await testDatabase("settlements");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(1));
  for (let attempt = 1; attempt <= 7; attempt++) {
    await store.nack([{ document: await store.takeOne(), error: `failure ${attempt}`, delayMs: 0 }]);
    await makeDue(jobs(database));
  }
  const { _pull } = await jobs(database).findOne({ _id: 0 });
  assertEquals(_pull.attempts, 7);
  assertEquals(
    _pull.errors.map(({ attempt, message }: { attempt: number; message: string }) => [attempt, message]),
    [3, 4, 5, 6, 7].map((attempt) => [attempt, `failure ${attempt}`]),
  );
});

Deno.test("Settlements: a released document is due at once and has its attempt back, however often", async () => {
  await using database = await testDatabase("settlements");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(1));
  for (let round = 0; round < 3; round++) {
    const document = await store.takeOne();
    assertEquals(document.attempt, 1);
    assertEquals((await store.release([document])).matched, 1);
  }
  const { localTime } = await database.client.db("admin").command({ hello: 1 });
  const { status, _pull: { visible_at: visibleAt, ...rest } } = await jobs(database).findOne({ _id: 0 });
  assertEquals([status, rest, visibleAt <= localTime], ["pending", { attempts: 0 }, true]);
});

Deno.test("Settlements: a lease is renewed by its holder, and renewing says which are no longer held", async () => {
  await using database = await testDatabase("settlements");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(4));
  const { documents } = await store.take();
  await expireLeases(jobs(database));
  await jobs(database).deleteOne({ _id: 1 });
  await jobs(database).updateOne({ _id: 2 }, { $set: { "_pull.token": "of another" } });
  const leasedAtMs = documents.map((each) => each.leasedAtMs);

  assertEquals(idsOf(await store.renew(documents)), [1, 2]);
  assertEquals(documents.map((each, index) => each.leasedAtMs > leasedAtMs[index]!), [
    true,
    false,
    false,
    true,
  ]);
  await using other = openStore(database);
  assertEquals(idsOf(await other.take()), [2], "renewed leases must not be expired");
});

Deno.test("Documents of several claims are settled by one call", async () => {
  await using database = await testDatabase("settlements");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(9));
  const documents = [...(await store.take(3)).documents, ...(await store.take(3)).documents];
  documents.push(...(await store.take(3)).documents);

  await expireLeases(jobs(database));
  assertEquals(await store.renew(documents), []);
  assertEquals(
    await jobs(database).countDocuments({ "_pull.visible_at": LONG_AGO }),
    0,
    "all must be renewed",
  );
  assertEquals((await store.release([documents[0]!, documents[3]!, documents[6]!])).matched, 3);
  const acks = [1, 4, 7].map((index) => ({ document: documents[index]! }));
  assertEquals((await store.ack([...acks, { document: documents[2]!, set: { n: 1 } }])).matched, 4);
  const nacks = [5, 8].map((index) => ({ document: documents[index]!, error: "", delayMs: 0 }));
  assertEquals((await store.nack(nacks)).matched, 2);
  assertEquals(await jobs(database).countDocuments({ status: "processing" }), 0);
});

/** What may happen to a document while its handler runs, and by whom. */
const MEDDLING: Record<
  string,
  (jobs: ReturnType<typeof import("../support/store.ts").jobs>) => Promise<unknown>
> = {
  "was taken over": (jobs) => jobs.updateOne({ _id: 1 }, { $set: { "_pull.token": "another's" } }),
  "was reset to pending": (jobs) =>
    jobs.updateOne({ _id: 1 }, { $set: { status: "pending" }, $unset: { _pull: "" } }),
  "was reset to pending, our bookkeeping kept": (jobs) =>
    jobs.updateOne({ _id: 1 }, { $set: { status: "pending" } }),
  "was marked processed by hand": (jobs) => jobs.updateOne({ _id: 1 }, { $set: { status: "processed" } }),
  "was cancelled": (jobs) => jobs.updateOne({ _id: 1 }, { $set: { status: "cancelled" } }),
  "lost our bookkeeping": (jobs) => jobs.updateOne({ _id: 1 }, { $unset: { _pull: "" } }),
  "was deleted": (jobs) => jobs.deleteOne({ _id: 1 }),
  "was deleted and inserted anew": async (jobs) => {
    await jobs.deleteOne({ _id: 1 });
    await jobs.insertOne({ _id: 1, status: "pending", anew: true });
  },
};

for (const [what, meddle] of Object.entries(MEDDLING)) {
  Deno.test(`Settlements: no write of a former holder changes or brings back a document that ${what} in flight`, async () => {
    await using database = await testDatabase("settlements");
    await using store = openStore(database);
    await jobs(database).insertOne({ _id: 1, status: "pending", n: 1 });
    const document = await store.takeOne();
    await meddle(jobs(database));
    const before = await jobs(database).find().toArray();

    for (const [name, write] of Object.entries(WRITES)) {
      assertEquals(await write(store, document), 0, name);
      assertEquals(await jobs(database).find().toArray(), before, name);
    }
    const collections = await database.db.listCollections({}, { nameOnly: true }).toArray();
    // `documents` is made with the database.
    assertEquals(
      collections.map(({ name }) => name).filter((name) => name !== "documents"),
      ["jobs"],
      "there must be no letter",
    );
  });
}

Deno.test("Settlements: of several documents a write settles those that are still held", async () => {
  await using database = await testDatabase("settlements");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(8));
  const { documents } = await store.take();
  await jobs(database).updateMany({ _id: { $in: [1, 3, 5, 7] } }, { $set: { status: "cancelled" } });
  const [a, b, c, d, e, f, g, h] = documents as [LeasedDocument, ...LeasedDocument[]] & LeasedDocument[];

  assertEquals((await store.ack([{ document: a }, { document: b! }])).matched, 1);
  assertEquals(
    (await store.nack([c!, d!].map((document) => ({ document, error: "", delayMs: 0 })))).matched,
    1,
  );
  assertEquals((await store.release([e!, f!])).matched, 1);
  assertEquals(await store.renew([g!, h!]), [h!]);
  const stored = await jobs(database).find().sort({ _id: 1 }).toArray();
  assertEquals(stored.map(({ status }) => status), [
    ...["processed", "cancelled", "pending", "cancelled"],
    ...["pending", "cancelled", "processing", "cancelled"],
  ]);
});
