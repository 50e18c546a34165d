import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Binary } from "mongodb";
import { RefusedWritesError } from "../../agent/partial_writes.ts";
import type { LeasedDocument } from "../../agent/ports.ts";
import { checkpoint } from "../contract/checkpoint_cases.ts";
import { InProcessAgent } from "../support/in_process_agent.ts";
import { testDatabase } from "../support/mongod.ts";
import {
  type AnyDocument,
  COLLECTION,
  idsOf,
  jobs,
  openStore,
  pending,
  type TestStore,
} from "../support/store.ts";
import { OpenTransaction } from "../support/open_transaction.ts";

/** A document that has room for claims and outcomes, and none for a large checkpoint. */
function nearlyFull(_id: number): AnyDocument {
  return { _id, status: "pending", data: new Binary(new Uint8Array(16 * 1024 * 1024 - 4000)) };
}
const LARGE = "x".repeat(16_000);

/** The writes that bring a checkpoint, and what the document is after each. */
const WRITES: Record<
  string,
  [status: string, (store: TestStore, document: LeasedDocument) => Promise<unknown>]
> = {
  "a renewal": ["processing", (store, document) => store.renew([document])],
  "a nack": ["pending", (store, document) => store.nack([{ document, error: "it broke", delayMs: 0 }])],
  "a release": ["pending", (store, document) => store.release([document])],
  "a snooze": ["pending", (store, document) => store.snooze([{ document, snoozeMs: 0 }])],
};

for (const [what, [status, write]] of Object.entries(WRITES)) {
  Deno.test(`checkpoint(): ${what} is written without one that its document has no room for (rule 40)`, async () => {
    await using database = await testDatabase("refused checkpoints");
    await using store = openStore(database);
    await jobs(database).insertOne(nearlyFull(1));
    const document = await store.takeOne();
    document.leaseRenewed(-1);
    const refused = checkpoint(document, LARGE);
    await write(store, document);
    // It is settled by now.
    await assertRejects(() => Promise.race([refused, Promise.resolve()]), Error, "MongoDB refuses");
    const { _pull, status: stored } = await jobs(database).findOne({}, { projection: { data: 0 } });
    assertEquals([stored, _pull.saved], [status, undefined]);
    if (what === "a renewal") assert(document.leasedAtMs > -1);
    if (what === "a nack") assertEquals(_pull.errors.length, 1, "its error has room");
  });

  Deno.test(`checkpoint(): ${what} is written without one that a validator refuses, and others keep theirs`, async () => {
    await using database = await testDatabase("refused checkpoints");
    await using store = openStore(database);
    await jobs(database).insertMany(pending(3));
    await database.db.command({ collMod: COLLECTION, validator: { "_pull.saved.data": { $ne: "bad" } } });
    const { documents } = await store.take();
    const data = ["good", "bad", "good"];
    const written = documents.map((document, at) => checkpoint(document, data[at]));
    await Promise.all(documents.map((document) => write(store, document)));
    const settled = written.map((each) => Promise.race([each, Promise.reject("open")]));
    assertEquals((await Promise.allSettled(settled)).map((each) => each.status), [
      "fulfilled",
      "rejected",
      "fulfilled",
    ]);
    const stored = await jobs(database).find().sort({ _id: 1 }).toArray();
    assertEquals(stored.map(({ _pull, status }) => [status, _pull.saved?.data]), [
      [status, "good"],
      [status, undefined],
      [status, "good"],
    ]);
  });
}

Deno.test("checkpoint(): a release that is refused with and without one names its document, and the others are written", async () => {
  await using database = await testDatabase("refused checkpoints");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(3));
  const { documents } = await store.take();
  for (const document of documents) checkpoint(document, 1);
  const validator = { $or: [{ _id: { $ne: 1 } }, { status: "processing" }] };
  await database.db.command({ collMod: COLLECTION, validator });
  const error = await assertRejects(() => store.release(documents), RefusedWritesError);
  assertEquals([[...error.refused.keys()], error.others.matched], [[1], 2]);
  const saved = (await jobs(database).find({ status: "pending" }).toArray()).map(({ _pull }) => _pull.saved);
  assertEquals(saved, [{ n: 1, data: 1 }, { n: 1, data: 1 }]);
  assert(documents[1]!.checkpoints!.hasUnwritten, "the lease is not over: a renewal may write it yet");
});

Deno.test("checkpoint(): an agent reports that a document has no room for one, once a run, and its run goes on", async () => {
  await using database = await testDatabase("refused checkpoints");
  await using store = openStore(database);
  await jobs(database).insertOne(nearlyFull(1));
  await using agent = new InProcessAgent(store, async (_, { checkpoint }) => {
    for (const text of ["a", "b"]) {
      const error = await assertRejects(() => checkpoint(text.repeat(16_000)), Error);
      assertMatch(error.message, /^MongoDB refuses the checkpoint: .*(larger|too large|exceed)/i);
    }
    await checkpoint("small");
  });
  await agent.until("it to be processed", () => agent.count("processed") === 1);
  assertEquals(agent.all("checkpoint_refused").map(({ id }) => id), [1]);
  assertEquals(agent.all("lease_lost"), []);
});

Deno.test("checkpoint(): documents that a transaction of another program locks keep no others from being saved", async () => {
  await using database = await testDatabase("refused checkpoints");
  await using store = openStore(database, { leaseMs: 2000 });
  await jobs(database).insertMany(pending(6));
  const { documents } = await store.take();
  for (const document of documents) checkpoint(document, document.id);
  await using transaction = await OpenTransaction.on(database, [0, 3]);
  await assertRejects(() => store.renew(documents));
  const saved = await jobs(database).find({ "_pull.saved.n": 1 }).sort({ _id: 1 }).toArray();
  assertEquals(idsOf(documents.filter(({ checkpoints }) => checkpoints!.hasUnwritten)), [0, 3]);
  assertEquals(saved.map(({ _id }) => _id), [1, 2, 4, 5]);
  await transaction.commit();
  assertEquals(await store.renew(documents), []);
  assertEquals(await jobs(database).countDocuments({ "_pull.saved.n": 1 }), 6);
});
