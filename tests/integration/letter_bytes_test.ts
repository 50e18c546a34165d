import { assert, assertEquals } from "@std/assert";
import { Long } from "bson";
import { startMongod } from "../../scripts/mongod.ts";
import { letterJson } from "../../agent/store/dead_letters/stored_letter.ts";
import { all, redrive } from "../support/letters_for_commands.ts";
import { fakeDocument } from "../support/fake_document.ts";
import { TestDatabase, testDatabase } from "../support/mongod.ts";
import { rounds, seededRandom, testRandom } from "../support/random.ts";
import { type BsonElement, element, elementNamed, elementsOf, utf8 } from "../support/raw_bson.ts";
import { randomDocument } from "../support/random_bson.ts";
import { insertBytes } from "../support/raw_insert.ts";
import { type AnyDocument, jobs, letters, openStore, pending } from "../support/store.ts";
import { isOlderThan } from "../support/server_version.ts";

/** Fields of a document that are the agent's to write. */
const OF_THE_AGENT = ["status", "_pull", "error", "processed_at"].map(utf8).map((name) => name.toHex());

/** All of a document that is the user's, byte for byte and in its order. */
function usersOwn(document: Uint8Array): string[] {
  return elementsOf(document)
    .filter(({ name }) => !OF_THE_AGENT.includes(name.toHex()))
    .map(({ type, name, value }) => `${type}:${name.toHex()}:${value.toHex()}`);
}

function int32(value: number): Uint8Array {
  return new Uint8Array(Int32Array.of(value).buffer);
}

function idElement(id: number): BsonElement {
  return element(0x10, "_id", int32(id));
}

async function rawOf(collection: AnyDocument, id: number): Promise<Uint8Array> {
  const [bytes] = await collection.find({ _id: id }, { raw: true }).toArray();
  return bytes;
}

/** Has all documents claimed, with any content. */
async function claimAll(database: TestDatabase): Promise<void> {
  await jobs(database).updateMany({}, {
    $set: {
      status: "processing",
      "_pull.token": "token-1",
      "_pull.attempts": 1,
      "_pull.visible_at": new Date(Date.now() + 60_000),
    },
  });
}

for (const seed of [1, 2, 3]) {
  // Many of these documents have dollars in their names: older servers take fewer of them, and copy none.
  const ignore = isOlderThan("5.0");
  Deno.test(
    `Dead letters: a dead letter and its redriven document are the source byte for byte but for the agent's fields, for random contents (seed ${seed})`,
    { ignore },
    async () => {
      await using database = await testDatabase("letter bytes");
      await using store = openStore(database);
      const random = seededRandom(seed);
      const made = Array.from(
        { length: rounds(20) },
        (_, id) => randomDocument(random, { id: idElement(id), maxFields: 8 }),
      );
      await insertBytes(database, made);
      await claimAll(database);
      const box = await store.forCommands.letters();
      const found = await jobs(database).find({}, { projection: { _id: 1 } }).toArray();
      assert(found.length > made.length / 2, `the server took ${found.length}`);

      for (const { _id } of found) {
        assertEquals(await store.deadLetter(fakeDocument({ id: _id }), "never"), 1, `document ${_id}`);
        const letter = await rawOf(letters(database), _id);
        const copy = elementNamed(letter, "document")!.value;
        assertEquals(usersOwn(copy), usersOwn(made[_id]!));
        assertEquals(usersOwn(await rawOf(jobs(database), _id)), usersOwn(made[_id]!));
        assertEquals(elementNamed(copy, "_pull"), undefined);
        assertEquals(elementNamed(letter, "by_reference"), undefined);
      }
      const standing = await all(box, { whole: true });
      assertEquals(standing.length, found.length);
      for (const letter of standing) {
        const { _id, document, error } = JSON.parse(letterJson(letter));
        assertEquals([_id, document._id, error], [letter._id, letter._id, "never"]);
        assertEquals(await redrive(box, letter), true);
        assertEquals(usersOwn(await rawOf(jobs(database), _id)), usersOwn(made[_id]!));
      }
      assertEquals(await letters(database).countDocuments(), 0);
    },
  );
}

Deno.test("Dead letters: a dead letter replaces an older one of its own collection byte for byte, and no newer one", async () => {
  await using database = await testDatabase("letter bytes");
  await using store = openStore(database);
  const random = testRandom(7);
  const made = [0, 1].map((id) => randomDocument(random, { id: idElement(id), maxFields: 12 }));
  await insertBytes(database, made);
  await claimAll(database);
  await store.forCommands.letters();
  const inAnHour = new Date(Date.now() + 3_600_000);
  await letters(database).insertMany([
    { _id: 0, old: true, dead_at: new Date(1), source: { collection: "jobs" } },
    { _id: 1, old: true, dead_at: inAnHour, source: { collection: "jobs" } },
  ]);
  for (const id of [0, 1]) await store.deadLetter(fakeDocument({ id }), "never");
  const [older, newer] = [await rawOf(letters(database), 0), await rawOf(letters(database), 1)];
  assertEquals(usersOwn(elementNamed(older, "document")!.value), usersOwn(made[0]!));
  assertEquals([elementNamed(older, "old"), elementNamed(newer, "old")?.type], [undefined, 0x08]);
});

/** Options of the connection string that change what the driver makes of BSON. */
const BSON_OPTIONS = [
  "useBigInt64=true",
  "promoteValues=false",
  "promoteLongs=false",
  "promoteBuffers=true",
  "bsonRegExp=true",
  "raw=true",
  "enableUtf8Validation=false",
  "enableUtf8Validation=true",
  "ignoreUndefined=false",
  "serializeFunctions=true",
  "useBigInt64=true&promoteBuffers=true&RAW=true",
];

for (const options of BSON_OPTIONS) {
  Deno.test(`MONGODB_URI with ${options} changes nothing of claims, outcomes and dead letters, and says so`, async () => {
    await using database = await testDatabase("letter bytes");
    await using store = openStore({ uri: `${database.uri}&${options}`, name: database.name });
    assertEquals(store.warnings.length, options.split("&").length);
    for (const warning of store.warnings) assert(/which is ignored/.test(warning), warning);
    const long = Long.fromString("9007199254740993");
    await jobs(database).insertMany([
      ...pending(3, { long, lines: [{ at: new Date(0) }] }),
      { _id: long, status: "pending", long },
    ]);
    const { documents: [a, b, c, d] } = await store.take();
    assertEquals((await store.ack([{ document: a! }])).matched, 1);
    assertEquals((await store.nack([{ document: b!, error: "fails", delayMs: 60_000 }])).matched, 1);
    assertEquals(await store.renew([c!, d!]), []);
    for (const document of [c!, d!]) assertEquals(await store.deadLetter(document, "never"), 1);
    const box = await store.forCommands.letters();
    const standing = await all(box, { whole: true });
    assertEquals(standing.map(({ attempts, error }) => [attempts, error]), [[1, "never"], [1, "never"]]);
    assertEquals(await box.countOthers({}), 0);
    for (const letter of standing) assertEquals(await redrive(box, letter), true);
    assertEquals((await store.take()).documents.length, 2);
  });
}

Deno.test("Dead letters: on a server that cannot write what it aggregates, a dead letter is the same bytes or refers to its document", async () => {
  await using server = await startMongod({ replicaSet: true, testCommands: true });
  await using database = new TestDatabase(server.uri, "letter_bytes");
  await using store = openStore(database);
  const random = testRandom(5);
  const made = Array.from(
    { length: 60 },
    (_, id) => randomDocument(random, { id: idElement(id), maxFields: 3 }),
  );
  await insertBytes(database, made);
  await claimAll(database);
  await store.forCommands.letters();
  const unknownStage = {
    failCommands: ["aggregate"],
    errorCode: 40324,
    appName: "pulling-agent/agent-under-test",
  };
  const admin = database.client.db("admin");
  await admin.command({ configureFailPoint: "failCommand", mode: "alwaysOn", data: unknownStage });
  const counts = { copied: 0, referred: 0 };
  for (const { _id } of await jobs(database).find({}, { projection: { _id: 1 } }).toArray()) {
    assertEquals(await store.deadLetter(fakeDocument({ id: _id }), "never"), 1, `document ${_id}`);
    const letter = await rawOf(letters(database), _id);
    const copy = usersOwn(elementNamed(letter, "document")!.value);
    const isReference = elementNamed(letter, "by_reference") !== undefined;
    assertEquals(
      copy,
      isReference ? [`16:${utf8("_id").toHex()}:${int32(_id).toHex()}`] : usersOwn(made[_id]!),
    );
    counts[isReference ? "referred" : "copied"] += 1;
    assertEquals(usersOwn(await rawOf(jobs(database), _id)), usersOwn(made[_id]!));
  }
  assert(counts.copied > 5 && counts.referred > 5, JSON.stringify(counts));
});

Deno.test("Dead letters: a document as deep as a server takes becomes a dead letter, if only by reference", async () => {
  await using database = await testDatabase("letter bytes");
  await using store = openStore(database);
  for (const [_id, depth] of [[1, 100], [2, 177], [3, 178], [4, 179]] as const) {
    let deep: AnyDocument = 1;
    for (let level = 0; level < depth; level++) deep = { deep };
    await jobs(database).insertOne({ _id, status: "pending", deep });
    assertEquals(await store.deadLetter(await store.takeOne(), "never"), 1, `depth ${depth}`);
  }
  assertEquals(await jobs(database).countDocuments({ status: "failed" }), 4);
  assertEquals((await all(await store.forCommands.letters(), { whole: true })).length, 4);
});
