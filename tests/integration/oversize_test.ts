import { assert, assertEquals } from "@std/assert";
import { Binary, Collection } from "mongodb";
import { InProcessAgent } from "../support/in_process_agent.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { type AnyDocument, jobs, letters, makeDue, openStore, pending } from "../support/store.ts";
import { waitFor } from "../support/wait.ts";
import { redrive } from "../support/letters_for_commands.ts";

const MAX_BSON = 16 * 1024 * 1024;
/** Of the document without its data: `_id`, `status` and the frames of the fields. */
const REST = 47;

/** A document that is `spare` bytes short of what MongoDB allows. */
function nearlyFull(_id: number, spare: number): AnyDocument {
  return { _id, status: "pending", data: new Binary(new Uint8Array(MAX_BSON - REST - spare)) };
}

/** Room for no claim at all; for a claim alone. */
const [NO_ROOM, ROOM_FOR_A_CLAIM] = [20, 400];

for (
  const [where, positions] of Object.entries({
    first: [0],
    last: [5],
    "in the middle": [2],
    spread: [0, 3, 5],
  })
) {
  Deno.test(`Documents too large for the bookkeeping, ${where} in their batch, are dead letters by reference, the others are processed`, async () => {
    await using database = await testDatabase("oversize");
    await using store = openStore(database);
    for (let id = 0; id < 6; id++) {
      await jobs(database).insertOne(
        positions.includes(id) ? nearlyFull(id, NO_ROOM) : pending(1, { from: id })[0],
      );
    }
    const runs: unknown[] = [];
    await using agent = new InProcessAgent(store, ({ _id }) => void runs.push(_id));
    await waitFor(
      "all to be settled",
      async () => await jobs(database).countDocuments({ status: { $in: ["processed", "failed"] } }) === 6,
    );
    assertEquals(runs.toSorted(), [0, 1, 2, 3, 4, 5].filter((id) => !positions.includes(id)));
    const failed = await jobs(database).find({ status: "failed" }).project({ data: 0 }).sort({ _id: 1 })
      .toArray();
    assertEquals(failed, positions.map((_id) => ({ _id, status: "failed" })));
    const found = await letters(database).find().sort({ _id: 1 }).toArray();
    assertEquals(
      found.map(({ _id, document, by_reference }) => [_id, document, by_reference]),
      positions.map((_id) => [_id, { _id }, true]),
    );
    assert(found.every(({ error }) => /too large/.test(error)));
    assertEquals(agent.all("dead_lettered").map(({ id }) => id).toSorted(), positions);
  });
}

Deno.test("Oversize documents: an oversize document is redriven and processed once it was made smaller, and refused before", async () => {
  await using database = await testDatabase("oversize");
  await using store = openStore(database);
  await jobs(database).insertOne(nearlyFull(1, NO_ROOM));
  const { refused } = await store.take();
  assertEquals(refused.map(({ id, isDeadLetter }) => [id, isDeadLetter]), [[1, true]]);
  const box = await store.forCommands.letters();
  const [letter] = await Array.fromAsync(box.list({}));
  assertEquals([letter?._id, letter?.by_reference], [1, true]);
  const tooLarge = await redrive(box, letter!).then(() => undefined, (error: Error) => error);
  assert(tooLarge !== undefined, "it had no room for the redrive");
  assertEquals(await letters(database).countDocuments(), 1);

  await jobs(database).updateOne({ _id: 1 }, { $set: { data: "small" } });
  assertEquals(await redrive(box, letter!), true);
  assertEquals(await letters(database).countDocuments(), 0);
  await using other = openStore(database);
  const document = await other.takeOne();
  assertEquals((await other.ack([{ document }])).matched, 1);
});

Deno.test("Oversize documents: a letter that is looked at before its oversize document is marked is not listed, and stays", async () => {
  await using database = await testDatabase("oversize");
  await using store = openStore(database);
  await jobs(database).insertOne(nearlyFull(1, NO_ROOM));
  const box = await store.forCommands.letters();
  const replaceOne = Collection.prototype.replaceOne;
  const listed: unknown[] = [];
  Collection.prototype.replaceOne = async function (
    this: Collection,
    ...args: Parameters<typeof replaceOne>
  ) {
    const result = await replaceOne.apply(this, args);
    listed.push(...await Array.fromAsync(box.list({})));
    return result;
  } as typeof replaceOne;
  try {
    const { refused } = await store.take();
    assertEquals([refused[0]?.isDeadLetter, listed], [true, []]);
  } finally {
    Collection.prototype.replaceOne = replaceOne;
  }
  assertEquals((await Array.fromAsync(box.list({}))).map(({ _id }) => _id), [1]);
});

Deno.test("Oversize documents: killed between letter and mark, an oversize document is met again and marked", async () => {
  await using database = await testDatabase("oversize");
  await using store = openStore(database);
  await jobs(database).insertOne(nearlyFull(1, NO_ROOM));
  await letters(database).insertOne({ _id: 1, by_reference: true, dead_at: new Date(5) });
  assertEquals(
    await Array.fromAsync((await store.forCommands.letters()).list({})),
    [],
    "no letter stands yet",
  );
  await store.take();
  const [letter] = await Array.fromAsync((await store.forCommands.letters()).list({}));
  assert(letter!.dead_at! > new Date(5));
  assertEquals((await jobs(database).findOne({}, { projection: { data: 0 } })).status, "failed");
});

/** The claim of a document that has room for that and little else. */
async function tightlyClaimed(database: TestDatabase, store: ReturnType<typeof openStore>) {
  await jobs(database).insertOne(nearlyFull(1, ROOM_FOR_A_CLAIM));
  return await store.takeOne();
}

Deno.test("Oversize documents: a document with no room for its error is nacked without it, and fails in the end with a letter that has it", async () => {
  await using database = await testDatabase("oversize");
  await using store = openStore(database);
  const document = await tightlyClaimed(database, store);
  const error = "e".repeat(900);
  assertEquals((await store.nack([{ document, error, delayMs: 0 }])).matched, 1);
  const stored = await jobs(database).findOne({}, { projection: { data: 0 } });
  assertEquals([stored.status, stored.error, stored._pull.attempts], ["pending", undefined, 1]);
  await makeDue(jobs(database));
  assertEquals(await store.deadLetter(await store.takeOne(), error), 1);
  assertEquals(await jobs(database).findOne({}, { projection: { data: 0 } }), { _id: 1, status: "failed" });
  const [letter] = await Array.fromAsync((await store.forCommands.letters()).list({}));
  assertEquals([letter!.error, letter!.by_reference, letter!.attempts], [error, true, 2]);
});

Deno.test("Oversize documents: a document with no room for a verdict is acked as any other", async () => {
  await using database = await testDatabase("oversize");
  await using store = openStore(database);
  assertEquals((await store.ack([{ document: await tightlyClaimed(database, store) }])).matched, 1);
});

Deno.test("Oversize documents: an oversize document never takes the place of another collection's letter: it stays pending, and why is said", async () => {
  await using database = await testDatabase("oversize");
  await using store = openStore(database);
  await jobs(database).insertOne(nearlyFull(1, NO_ROOM));
  const other = {
    _id: 1,
    dead_at: new Date(1000),
    source: { database: database.name, collection: "others" },
  };
  await letters(database).insertOne(other);
  const { refused: [claim] } = await store.take();
  assertEquals([claim?.isDeadLetter, /DEAD_LETTER_COLLECTION/.test(String(claim?.error))], [false, true]);
  assertEquals(await letters(database).find().toArray(), [other]);
  assertEquals((await jobs(database).findOne({}, { projection: { data: 0 } })).status, "pending");
});
