import { assert, assertEquals } from "@std/assert";
import type { LettersForCommands } from "../../agent/store/dead_letters/letters_for_commands.ts";
import type { LetterPage, LetterPlace } from "../../agent/store/dead_letters/letter_pages.ts";
import { storedIdKey } from "../../agent/store/dead_letters/stored_letter.ts";
import { all, failAll, purge, redrive } from "../support/letters_for_commands.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { bsonDocument, type BsonElement, element, utf8 } from "../support/raw_bson.ts";
import { insertBytes } from "../support/raw_insert.ts";
import {
  type AnyDocument,
  jobs,
  LETTERS,
  letters,
  LONG_AGO,
  openStore,
  pending,
  type TestStore,
} from "../support/store.ts";
import { TcpProxy } from "../support/tcp_proxy.ts";

async function withLetters(store: TestStore, database: TestDatabase, count = 3): Promise<LettersForCommands> {
  await jobs(database).insertMany(pending(count));
  await failAll(store);
  return await store.forCommands.letters();
}

Deno.test("LettersForCommands: the history keeps the last five errors, each of at most a thousand characters", async () => {
  await using database = await testDatabase("letter box");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(1));
  for (let attempt = 1; attempt <= 7; attempt++) {
    await store.nack([{ document: await store.takeOne(), error: `error ${attempt}`, delayMs: -1000 }]);
  }
  await failAll(store, "the last");
  const [letter] = await all(await store.forCommands.letters(), { whole: true });
  assertEquals(letter!.errors!.map(({ attempt, message }) => [attempt, message]), [
    [4, "error 4"],
    [5, "error 5"],
    [6, "error 6"],
    [7, "error 7"],
    [8, "the last"],
  ]);
});

Deno.test("LettersForCommands: letters are listed oldest first, chosen by id or filter, up to a limit, with their documents if asked for", async () => {
  await using database = await testDatabase("letter box");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(250, { kind: "many" }));
  for (let each = 0; each < 3; each++) await failAll(store, each === 0 ? "first" : "later");
  const box = await store.forCommands.letters();
  const found = await all(box);
  assertEquals(found.length, 250);
  assert(found.every((letter, index) => index === 0 || letter.dead_at! >= found[index - 1]!.dead_at!));
  assertEquals((await all(box, { limit: 7 })).length, 7);
  assertEquals((await all(box, { filter: { error: "later" } })).length, 150);
  assertEquals((await all(box, { filter: { "document.kind": "many" }, limit: 101 })).length, 101);
  assertEquals((await all(box, { id: "17" })).map(({ _id, document }) => [_id, document]), [[17, undefined]]);
  const [whole] = await all(box, { id: "17", whole: true });
  assertEquals(whole!.document, { _id: 17, status: "failed", kind: "many" });
});

Deno.test("LettersForCommands: a redriven document starts over with its errors kept, and gets a new letter when it fails again", async () => {
  await using database = await testDatabase("letter box");
  await using store = openStore(database);
  const box = await withLetters(store, database, 1);
  const [old] = await all(box);
  assertEquals(await redrive(box, old!), true);
  assertEquals([await all(box), await letters(database).countDocuments()], [[], 0]);
  const { status, _pull } = await jobs(database).findOne();
  assertEquals([status, _pull.attempts, _pull.dead_at, _pull.errors.length], ["pending", 0, undefined, 1]);

  const document = await store.takeOne();
  assertEquals([document.attempt, document.verdict], [1, undefined]);
  await store.deadLetter(document, "fails again");
  const [letter, ...more] = await all(box, { whole: true });
  assertEquals([letter!.error, letter!.errors!.length, more.length], ["fails again", 2, 0]);
  assert(letter!.dead_at! > old!.dead_at!);
});

Deno.test("LettersForCommands: two redrives at once: one takes effect, and no letter is lost (rule 25)", async () => {
  await using database = await testDatabase("letter box");
  await using store = openStore(database);
  const box = await withLetters(store, database, 1);
  const [letter] = await all(box);
  const both = await Promise.all([redrive(box, letter!), redrive(box, letter!)]);
  assertEquals(both.filter(Boolean).length, 1);
  assertEquals(await jobs(database).countDocuments({ status: "pending" }), 1);
});

Deno.test("LettersForCommands: a redrive that races a new failure leaves the new letter (rule 25)", async () => {
  await using database = await testDatabase("letter box");
  await using store = openStore(database);
  await using proxy = new TcpProxy(database.uri);
  await using slow = openStore({ uri: proxy.uri, name: database.name });
  await withLetters(store, database, 1);
  const slowBox = await slow.forCommands.letters();
  const [old] = await all(slowBox);
  const removal = proxy.hold({ command: "delete", collection: LETTERS });
  const redriven = redrive(slowBox, old!);
  await removal.arrived;
  await failAll(store, "fails again");
  removal.pass();
  assertEquals(await redriven, true);
  assertEquals((await all(await store.forCommands.letters())).map(({ error }) => error), ["fails again"]);
  // The same letter cannot be used again.
  assertEquals(await redrive(slowBox, old!), false);
  assertEquals(await jobs(database).countDocuments({ status: "failed" }), 1);
});

Deno.test("LettersForCommands: killed between its two writes, a redrive leaves a letter that is stale: not shown, and removed by what changes letters (rules 26, 27)", async () => {
  await using database = await testDatabase("letter box");
  await using store = openStore(database);
  await using proxy = new TcpProxy(database.uri);
  await withLetters(store, database, 1);
  {
    const killed = openStore({ uri: proxy.uri, name: database.name });
    const box = await killed.forCommands.letters();
    const [letter] = await all(box);
    const removal = proxy.hold({ command: "delete", collection: LETTERS });
    const killing = redrive(box, letter!).catch(() => {});
    await removal.arrived;
    await killed.close();
    await killing;
  }
  assertEquals(await letters(database).countDocuments(), 1);
  assertEquals((await jobs(database).findOne()).status, "pending");
  const box = await store.forCommands.letters();
  assertEquals(await all(box), []);
  assertEquals(await letters(database).countDocuments(), 1);
  assertEquals(await all(box, { removeStale: true }), []);
  assertEquals(await letters(database).countDocuments(), 0);
  assertEquals((await store.takeOne()).attempt, 1);
});

/** What makes a letter stale (5). */
const STALE: Record<string, (database: TestDatabase) => Promise<unknown>> = {
  "whose document was deleted": (database) => jobs(database).deleteMany(),
  "whose document was reset by hand": (database) =>
    jobs(database).updateMany({}, { $set: { status: "pending" }, $unset: { _pull: "" } }),
  "whose document was processed": (database) =>
    jobs(database).updateMany({}, { $set: { status: "processed" }, $unset: { "_pull.dead_at": "" } }),
  "of an earlier verdict": (database) => letters(database).updateMany({}, { $set: { dead_at: new Date(5) } }),
};

for (const [what, change] of Object.entries(STALE)) {
  Deno.test(`LettersForCommands: a letter ${what} is not shown, not redriven, and removed by each command that changes letters (5)`, async () => {
    await using database = await testDatabase("letter box");
    await using store = openStore(database);
    const box = await withLetters(store, database, 1);
    const [letter] = await all(box);
    await change(database);
    const before = await jobs(database).findOne();
    if (what !== "of an earlier verdict") assertEquals(await redrive(box, letter!), false);
    assertEquals(await all(box), []);
    assertEquals(await letters(database).countDocuments(), 1);
    assertEquals(await all(box, { removeStale: true }), []);
    assertEquals(await letters(database).countDocuments(), 0);
    assertEquals(await jobs(database).findOne(), before);
  });
}

for (
  const [what, edit] of Object.entries({
    "its document": { $set: { document: "gone" } },
    "its error and errors": { $set: { error: { odd: 1 }, errors: "none" } },
    "its verdict away": { $unset: { dead_at: "" } },
  })
) {
  Deno.test(`LettersForCommands: a letter of which an operator has edited ${what} is shown, and its document redriven`, async () => {
    await using database = await testDatabase("letter box");
    await using store = openStore(database);
    const box = await withLetters(store, database, 1);
    await letters(database).updateOne({}, edit);
    const [letter] = await all(box);
    assertEquals(await redrive(box, letter!), true);
    assertEquals(await letters(database).countDocuments(), 0);
    assertEquals((await jobs(database).findOne()).status, "pending");
  });
}

Deno.test("LettersForCommands: a purge removes the letter and leaves the document failed, and never removes a newer letter", async () => {
  await using database = await testDatabase("letter box");
  await using store = openStore(database);
  const box = await withLetters(store, database, 2);
  const [first, second] = await all(box);
  assertEquals(await purge(box, first!), true);
  await letters(database).updateOne({ _id: second!._id }, { $set: { dead_at: new Date() } });
  assertEquals(await purge(box, second!), false);
  assertEquals(await letters(database).countDocuments(), 1);
  assertEquals(await jobs(database).countDocuments({ status: "failed" }), 2);
});

Deno.test("LettersForCommands: a letter without a verdict is removed as such, not the newer one that took its place", async () => {
  await using database = await testDatabase("letter box");
  await using store = openStore(database);
  const box = await withLetters(store, database, 1);
  assertEquals(await purge(box, { _id: 0 }), false);
  assertEquals(await letters(database).countDocuments(), 1);
});

Deno.test("LettersForCommands: the letters of another collection in the same place are neither shown, redriven nor removed", async () => {
  await using database = await testDatabase("letter box");
  await using store = openStore(database);
  const ours = await withLetters(store, database, 2);
  await using other = openStore(database, { mongodbCollection: "others" });
  await database.db.collection<AnyDocument>("others").insertMany(pending(2, { from: 1 }));
  const theirs = await other.forCommands.letters();
  const found = await letters(database).find().toArray();

  assertEquals(await all(theirs, { removeStale: true }), []);
  assertEquals([await theirs.countOthers({}), await theirs.countOthers({ id: "1" })], [2, 1]);
  assertEquals(await ours.countOthers({}), 0);
  for (const letter of await all(ours)) {
    assertEquals([await redrive(theirs, letter), await purge(theirs, letter)], [false, false]);
  }
  assertEquals(await letters(database).find().toArray(), found);
  assertEquals((await all(ours)).length, 2);
});

Deno.test("LettersForCommands lists and redrives the letters of documents in which the agent's own fields stand twice", async () => {
  await using database = await testDatabase("letter box");
  await using store = openStore(database);
  const text = (name: string, value: string) =>
    element(0x02, name, Uint8Array.of(value.length + 1, 0, 0, 0, ...utf8(value), 0));
  const number = (name: string, value: number) => element(0x10, name, Uint8Array.of(value, 0, 0, 0));
  const pull = (field: BsonElement) => element(0x03, "_pull", bsonDocument([field]));
  await insertBytes(
    database,
    [
      [number("_id", 1), text("status", "pending"), text("status", "another")],
      [number("_id", 2), text("status", "pending"), pull(number("x", 1)), pull(number("y", 2))],
      [number("_id", 3), pull(number("attempts", 0)), text("status", "pending"), text("_pull", "another")],
    ].map(bsonDocument),
  );
  await failAll(store);
  const box = await store.forCommands.letters();
  const found = await all(box, { removeStale: true });
  assertEquals(found.map(({ _id }) => _id).sort(), [1, 2, 3]);
  for (const letter of found) assertEquals(await redrive(box, letter), true);
  assertEquals(await jobs(database).countDocuments({ status: "pending" }), 3);
});

Deno.test("LetterPages gives each letter once, also those whose _id no query can name, however many follow each other", async () => {
  await using database = await testDatabase("letter pages");
  await using store = openStore(database);
  // JavaScript would send the numbers first.
  const strange = (at: number) => new Map<string, unknown>([["b", at], ["1", "x"]]);
  const ids = [...Array.from({ length: 300 }, (_, at) => strange(at)), 1, 2, "a", "y".repeat(5000), "z"];
  const dead_at = LONG_AGO;
  await jobs(database).insertMany(
    ids.map((_id) => ({ _id, status: "failed", _pull: { dead_at } })) as never[],
  );
  await letters(database).insertMany(ids.map((_id) => ({ _id, dead_at, error: "no" })) as never[]);
  const pages = (await store.forCommands.letters()).pages(10_000);
  for (const size of [7, 50, 1000]) {
    const seen: string[] = [];
    const asked: { from: LetterPlace | undefined; keys: string[] }[] = [];
    let [from, read]: [LetterPlace | undefined, number] = [undefined, 0];
    do {
      const page: LetterPage = await pages.page({ from, size });
      const keys = page.letters.map(storedIdKey);
      asked.push({ from, keys });
      seen.push(...keys);
      from = page.next;
      read += 1;
    } while (from !== undefined && read < 100);
    assertEquals([seen.length, new Set(seen).size], [ids.length, ids.length], `pages of ${size}`);
    // A reader goes back.
    for (const { from, keys } of asked.slice(0, 3)) {
      assertEquals((await pages.page({ from, size })).letters.map(storedIdKey), keys, `pages of ${size}`);
    }
  }
});
