import { assertEquals, assertRejects } from "@std/assert";
import { all, redrive } from "../support/letters_for_commands.ts";
import { testDatabase } from "../support/mongod.ts";
import { jobs, LETTERS, letters, openStore } from "../support/store.ts";

Deno.test("Dead letters: a letter never takes the place of another document's whose _id the collation of the letters takes for the same", async () => {
  await using database = await testDatabase("letter collation");
  await using store = openStore(database);
  await database.db.createCollection(LETTERS, { collation: { locale: "en", strength: 2 } });
  await jobs(database).insertMany(["A1", "a1", "b"].map((_id) => ({ _id, status: "pending" })));
  const byId = new Map((await store.take()).documents.map((document) => [document.id, document]));
  assertEquals(await store.deadLetter(byId.get("A1")!, "the first"), 1);
  assertEquals(await store.deadLetter(byId.get("b")!, "another"), 1);
  const found = await letters(database).find().toArray();

  const message = `${LETTERS} holds the letter of A1, which its collation takes for the same _id`;
  const refusal = await assertRejects(() => store.deadLetter(byId.get("a1")!, "the second"), Error, message);
  assertEquals(store.isTransient(refusal), false);
  assertEquals(await letters(database).find().toArray(), found);
  // Neither failed without a letter nor pending: its next holder finishes what could not be written.
  const judged = (await jobs(database).findOne({ _id: "a1" }))!;
  assertEquals([judged.status, judged._pull.dead_at instanceof Date], ["processing", true]);
  const box = await store.forCommands.letters();
  assertEquals((await all(box)).map(({ _id, error }) => [_id, error]), [["A1", "the first"], [
    "b",
    "another",
  ]]);
  for (const letter of await all(box)) assertEquals(await redrive(box, letter), true);
  assertEquals(await store.finishVerdict(byId.get("a1")!), 1);
  assertEquals((await all(box)).map(({ _id, error }) => [_id, error]), [["a1", "the second"]]);
});

Deno.test("Dead letters: a letter by reference never takes the place of another document's by the collation of the letters", async () => {
  await using database = await testDatabase("letter collation");
  await using store = openStore(database);
  await database.db.createCollection(LETTERS, { collation: { locale: "en", strength: 2 } });
  // Too large for a claim: its letter refers to it.
  const large = "x".repeat(16 * 1024 * 1024 - 80);
  await jobs(database).insertMany([{ _id: "A1", status: "pending" }]);
  assertEquals(await store.deadLetter(await store.takeOne(), "the first"), 1);
  const found = await letters(database).find().toArray();
  await jobs(database).insertOne({ _id: "a1", status: "pending", large });
  const { refused } = await store.take();
  assertEquals(refused.map(({ id, isDeadLetter }) => [id, isDeadLetter ?? false]), [["a1", false]]);
  assertEquals(await letters(database).find().toArray(), found);
});
