import { assert, assertEquals } from "@std/assert";
import { Binary } from "mongodb";
import { InProcessAgent } from "../support/in_process_agent.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { idsOf, jobs, LONG_AGO, openStore, pending } from "../support/store.ts";
import { waitFor } from "../support/wait.ts";

const MIB = 1024 * 1024;
const LARGE = 15 * MIB;

/** Inserts documents of 15 MiB each, one at a time, which no message could hold together. */
async function insertLarge(database: TestDatabase, documents: Record<string, unknown>[]): Promise<void> {
  const payload = new Binary(new Uint8Array(LARGE));
  for (const document of documents) await jobs(database).insertOne({ ...document, payload });
}

Deno.test("Held bytes: documents of 15 MiB are processed with never more than 32 MiB of them held", async () => {
  await using database = await testDatabase("held bytes");
  await using store = openStore(database);
  const retry = { visible_at: LONG_AGO, attempts: 1 };
  await insertLarge(database, [...pending(6), ...pending(3, { from: 6, _pull: retry })]);
  await insertLarge(
    database,
    pending(3, { from: 9, status: "processing", _pull: { ...retry, token: "t" } }),
  );

  let [held, most, claimed] = [0, 0, 0];
  const claim = store.claim.bind(store);
  store.claim = async (limit) => {
    const result = await claim(limit);
    claimed += result.documents.length;
    for (const { sizeBytes } of result.documents) held += sizeBytes;
    most = Math.max(most, held);
    return result;
  };
  const ack = store.ack.bind(store);
  store.ack = async (acks) => {
    const count = await ack(acks);
    for (const { document } of acks) held -= document.sizeBytes;
    return count;
  };
  const runs: number[] = [];
  await using agent = new InProcessAgent(store, async ({ _id, payload }) => {
    assertEquals(payload.length(), LARGE);
    runs.push(_id);
    // As slow as it takes for the agent to claim more while it holds this one.
    await waitFor("another document to be claimed", () => claimed > runs.length || claimed === 12);
  }, { concurrency: 1 });

  // On a slow disk an ack may get no answer in time, although it is made.
  const settled = () => agent.count("processed") + agent.count("unconfirmed");
  await agent.until("all to be settled", () => settled() === 12);
  assertEquals(await jobs(database).countDocuments({ status: "processed" }), 12);
  assertEquals(runs.sort((a, b) => a - b), Array.from({ length: 12 }, (_, id) => id));
  assert(most > LARGE, "nothing was measured");
  assert(most <= 32 * MIB, `${most} bytes were held`);
});

Deno.test("Held bytes: a claim ends where its bytes end, across all kinds of documents, and says that there is more", async () => {
  await using database = await testDatabase("held bytes");
  const payload = "x".repeat(1000);
  const retry = { visible_at: LONG_AGO, attempts: 1 };
  await jobs(database).insertMany([
    ...pending(2, { payload, _pull: retry }),
    ...pending(2, { from: 10, status: "processing", payload, _pull: { ...retry, token: "t" } }),
    ...pending(9, { from: 20, payload }),
  ]);
  for (const [bytes, ids] of [[1_500, [0]], [3_600, [0, 1, 10]], [4_800, [0, 1, 10, 11]]] as const) {
    await using store = openStore(database);
    const claim = await store.claim({ documents: 100, bytes });
    assertEquals([idsOf(claim), claim.hasMore], [[...ids], true], `${bytes} bytes`);
    const size = claim.documents.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    assert(size <= bytes, `${size} bytes claimed of ${bytes}`);
    await store.release(claim.documents.filter(({ id }) => (id as number) >= 20));
    await jobs(database).updateMany({ _id: { $lt: 10 } }, {
      $set: { status: "pending", "_pull.visible_at": LONG_AGO },
    });
    await jobs(database).updateMany({ _id: { $gte: 10, $lt: 20 } }, {
      $set: { "_pull.visible_at": LONG_AGO, "_pull.takeovers": 0 },
    });
  }
});

Deno.test("Held bytes: a document larger than a claim may be is claimed alone", async () => {
  await using database = await testDatabase("held bytes");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(3, { payload: "x".repeat(5_000) }));
  for (const id of [0, 1, 2]) assertEquals(idsOf(await store.claim({ documents: 100, bytes: 1_000 })), [id]);
});

Deno.test("Held bytes: a document that waits as bytes alone is read as often as it is asked for", async () => {
  await using database = await testDatabase("held bytes");
  await using store = openStore(database);
  await jobs(database).insertMany([
    { _id: "large", status: "pending", payload: "x".repeat(MIB) },
    { _id: "small", status: "pending", payload: "x" },
  ]);
  for (const document of (await store.take()).documents) {
    const first = document.read();
    first.payload = "changed by its handler";
    const second = document.read();
    assertEquals(
      [second._id, second.payload.length],
      document.id === "large" ? ["large", MIB] : ["small", 1],
    );
  }
});
