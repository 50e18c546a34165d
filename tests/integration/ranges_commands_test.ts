import { assertEquals } from "@std/assert";
import { control, open } from "../support/ranges.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { idsOf, jobs, letters, pending, type TestStore } from "../support/store.ts";

const EVERYTHING = { by: "filter", filter: { status: { $exists: true } } } as const;

/** What `requeue` does with all documents: it leaves those alone that no agent has run. */
async function requeueAll(operator: TestStore): Promise<void> {
  const documents = await operator.forCommands.documentsToRequeue();
  const plan = await documents.plan(EVERYTHING, new Date(Date.now() + 60_000));
  const found = (await Array.fromAsync(documents.pages(plan, 10))).flat();
  assertEquals(found.map(({ standing }) => standing), ["free", "leased", "waiting"]);
  await documents.requeue(found.filter(({ standing }) => standing === "free"));
}

async function stored(database: TestDatabase, _id: unknown) {
  return await jobs(database).findOne({ _id });
}

Deno.test("CLAIM_MODE of range: requeue leaves the documents of a range alone, and no late ack meets what it starts over", async () => {
  await using database = await testDatabase("ranges");
  await using store = open(database);
  await using operator = open(database);
  await jobs(database).insertMany(pending(3));
  const { documents: [first, held] } = await store.take(2);
  await store.ack([{ document: first! }]);
  await requeueAll(operator);
  assertEquals([await stored(database, 1), await stored(database, 2)], pending(2, { from: 1 }));
  const { _pull, status } = await stored(database, 0);
  assertEquals([status, _pull.visible_at instanceof Date], ["pending", true]);
  // What the first holder sends again misses.
  assertEquals((await store.ack([{ document: first! }])).matched, 0);
  assertEquals((await store.ack([{ document: held! }])).matched, 1);
  assertEquals(idsOf(await store.take()).toSorted(), [0, 2]);
});

Deno.test("CLAIM_MODE of range: redrive starts a dead letter of a range over, which no late write meets", async () => {
  await using database = await testDatabase("ranges");
  await using store = open(database);
  await using operator = open(database);
  await jobs(database).insertMany(pending(1));
  const document = (await store.take()).documents[0]!;
  assertEquals(await store.deadLetter(document, "no"), 1);
  const commands = await operator.forCommands.letters();
  const { count } = await commands.redrive(await commands.under([0]));
  assertEquals([count, await letters(database).countDocuments()], [1, 0]);
  assertEquals((await store.ack([{ document }])).matched, 0);
  assertEquals(await store.deadLetter(document, "no"), 0);
  const again = (await store.take()).documents;
  assertEquals(again.map(({ attempt, id }) => ({ attempt, id })), [{ attempt: 1, id: 0 }]);
  assertEquals((await store.ack(again.map((each) => ({ document: each })))).matched, 1);
});

Deno.test("CLAIM_MODE of range: cancel takes a document out of its range, whose outcome misses, and its range ends", async () => {
  await using database = await testDatabase("ranges");
  await using store = open(database, { agentName: "holder" });
  await using operator = open(database);
  await jobs(database).insertMany(pending(2));
  const { documents } = await store.take(1);
  const cancellation = await operator.forCommands.cancellation();
  const found = [...await cancellation.find("0"), ...await cancellation.find("1")];
  assertEquals(found.map(({ owner, standing }) => [owner, standing]), [
    ["holder", "leased"],
    [undefined, "waiting"],
  ]);
  assertEquals(await cancellation.cancel(0, "not needed"), true);
  assertEquals((await store.canceled(documents)).map(({ id }) => id), [0]);
  assertEquals((await store.renew(documents)).map(({ id }) => id), [0]);
  assertEquals((await store.ack(documents.map((document) => ({ document })))).matched, 0);
  await store.close();
  assertEquals((await control(database)).ranges, []);
  assertEquals((await stored(database, 0)).status, "canceled");
});
