import { assert, assertEquals } from "@std/assert";
import { BSON, type Document } from "mongodb";
import { insertBytes } from "../support/raw_insert.ts";
import { all } from "../support/letters_for_commands.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { profile, type Profiled } from "../support/profile.ts";
import { jobs, LETTERS, letters, openStore } from "../support/store.ts";

/** What no command reads more of, if no index serves it. */
const SLICE = 20_000;

async function insert(database: TestDatabase, documents: Iterable<Document>, into?: string): Promise<void> {
  const bytes = Array.from(documents, (document) => BSON.serialize(document));
  for (let from = 0; from < bytes.length; from += SLICE) {
    await insertBytes(database, bytes.slice(from, from + SLICE), into);
  }
}

/** Documents read by the commands that ask for more than one by its `_id`. */
const most = (profiled: readonly Profiled[], field: "docsExamined" | "keysExamined") =>
  Math.max(...profiled.map((each) => each[field] ?? 0));

Deno.test("DocumentsToRequeue: among many documents no command reads more than a slice, and each one of any _id is found once", async () => {
  await using database = await testDatabase("slices");
  await using store = openStore(database);
  const count = 2 * SLICE + 100;
  const idOf = (index: number) => index % 2 === 0 ? index : `text ${index}`;
  const rare = [0, 1, SLICE - 1, SLICE, 2 * SLICE, 2 * SLICE + 99];
  await insert(
    database,
    Array.from({ length: count }, (_, index) => ({
      _id: idOf(index),
      status: rare.includes(index) ? "failed" : index % 3 === 0 ? "pending" : "processed",
    })),
  );
  // Those are at both ends of the order, and JavaScript cannot hold one of them unchanged.
  await insert(database, [{ _id: new BSON.MinKey(), status: "failed" }, {
    _id: { "1": 1, "0": 2 },
    status: "failed",
  }]);
  const documents = await store.forCommands.documentsToRequeue();
  const plan = await documents.plan({ by: "filter", filter: { status: { $ne: "processed" } } }, new Date());
  assertEquals(plan.readsAll, count + 2);
  const ids: unknown[] = [];
  const reads = await profile(database, async () => {
    for await (const page of documents.pages(documents.inSlices(plan), 200)) {
      ids.push(...page.map(({ id }) => id));
    }
  });
  const expected = [new BSON.MinKey(), ...rare.map(idOf), { "0": 2, "1": 1 }];
  const texts = (some: unknown[]) => some.map((id) => JSON.stringify(id)).toSorted();
  assertEquals(texts(ids), texts(expected));
  assert(most(reads, "docsExamined") <= SLICE, `${most(reads, "docsExamined")} documents`);
});

Deno.test("LettersForCommands: more letters than a server can sort in time are read by an index on dead_at, or else by _id in slices", async () => {
  await using database = await testDatabase("many letters");
  await using store = openStore(database);
  const [count, rare] = [100_001, 99_990];
  const letter = (_id: number) => ({
    _id,
    dead_at: new Date(1e12 - _id),
    error: _id >= rare ? "rare" : "usual",
    source: { collection: "jobs" },
  });
  await insert(database, Array.from({ length: count }, (_, _id) => letter(_id)), LETTERS);
  const standing = [0, 1, 2, count - 3, count - 2, count - 1];
  await jobs(database).insertMany(
    standing.map((_id) => ({ _id, status: "failed", _pull: { dead_at: letter(_id).dead_at } })),
  );
  const box = await store.forCommands.letters();
  assertEquals(await box.order(), { by: "id" });
  let found: unknown[] = [];
  const list = async (query: Parameters<typeof all>[1]) => {
    found = (await all(box, query)).map(({ _id }) => _id);
  };
  const bySlices = await profile(database, () => list({ filter: { error: "rare" } }));
  assertEquals(found, standing.slice(3));
  assert(most(bySlices, "docsExamined") <= SLICE, `${most(bySlices, "docsExamined")} documents`);
  assertEquals(bySlices.filter(({ hasSortStage }) => hasSortStage), []);

  const survey = await profile(
    database,
    () => Array.fromAsync(box.survey({ filter: { error: "rare" } })),
  );
  assert(most(survey, "docsExamined") <= SLICE, `${most(survey, "docsExamined")} documents`);
  // Those that are named are not looked for.
  const byId = await profile(database, () => list({ id: "1" }));
  assertEquals([found, most(byId, "keysExamined") < 10], [[1], true]);

  await letters(database).createIndex({ dead_at: 1 }, { name: "old", expireAfterSeconds: 2_000_000_000 });
  assertEquals(await box.order(), { by: "date", index: "old" });
  const byDate = await profile(database, () => list({ limit: 2 }));
  assertEquals(found, [count - 1, count - 2]);
  assert(most(byDate, "docsExamined") <= 1000, `${most(byDate, "docsExamined")} documents`);
  assertEquals(byDate.filter(({ hasSortStage }) => hasSortStage), []);
});
