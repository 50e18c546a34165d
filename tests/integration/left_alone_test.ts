import { assert, assertEquals } from "@std/assert";
import { idBytes } from "../../agent/store/documents/round_trip_id.ts";
import { claimable, KINDS, unclaimable } from "../../agent/store/queries.ts";
import { RawDocument } from "../../agent/store/documents/raw_document.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { testRandom } from "../support/random.ts";
import { elementOfEveryType, randomPull } from "../support/random_bson.ts";
import { bsonDocument, type BsonElement, element, utf8 } from "../support/raw_bson.ts";
import {
  type AnyDocument,
  COLLECTION,
  idsOf,
  jobs,
  LONG_AGO,
  makeIndexes,
  openStore,
  pending,
} from "../support/store.ts";
import { NOW } from "../../agent/store/server/server_time.ts";
import { WireConnection } from "../support/wire.ts";

/** Not due when the test began: it is due by now, or will be. */
const LATER = { status: "pending", "_pull.visible_at": { $gt: new Date() } };

const PENDING = element(0x02, "status", new TextEncoder().encode("\x08\0\0\0pending\0"));

/** A pending document with these fields besides. */
function waiting(id: number, ...fields: BsonElement[]): Uint8Array {
  return bsonDocument([
    element(0x10, "_id", new Uint8Array(new Int32Array([id]).buffer)),
    PENDING,
    ...fields,
  ]);
}

function pull(...fields: BsonElement[]): BsonElement {
  return { type: 0x03, name: utf8("_pull"), value: bsonDocument(fields) };
}

/** Values of every type under `name`, alone and within arrays. */
function everyValue(random: () => number, name: string): BsonElement[] {
  const alone = elementOfEveryType(random, name);
  const inArray = elementOfEveryType(random, "0").map((inner) => array(name, inner));
  const inTwo = elementOfEveryType(random, "0").map((inner) => array(name, array("0", inner)));
  const withNull = elementOfEveryType(random, "0").map((inner) =>
    array(name, inner, { type: 0x0a, name: utf8("1"), value: new Uint8Array() })
  );
  return [...alone, ...inArray, ...inTwo, ...withNull, array(name)];
}

function array(name: string, ...elements: BsonElement[]): BsonElement {
  return { type: 0x04, name: utf8(name), value: bsonDocument(elements) };
}

async function found(database: TestDatabase, query: AnyDocument): Promise<Set<string>> {
  const all = await jobs(database).find(query, { raw: true, projection: { _id: 1 } }).toArray();
  return new Set(all.map((bytes: Uint8Array) => idBytes(new RawDocument(bytes))));
}

/** Documents that no query of a claim finds, that are not scheduled for later, and that are not reported. */
async function missed(database: TestDatabase, isThorough: boolean): Promise<string[]> {
  const queries = [
    ...[...KINDS, "due_suspects", "expired_suspects"].map((kind) => claimable(kind as "due_suspects", NOW)),
    ...unclaimable(isThorough).map(({ query }) => query),
    LATER,
  ];
  const sets = await Promise.all(queries.map((query) => found(database, query)));
  const all = await jobs(database).find({ status: "pending" }, { raw: true }).toArray();
  return all.map((bytes: Uint8Array) => new RawDocument(bytes))
    .filter((raw: RawDocument) => !sets.some((set) => set.has(idBytes(raw))))
    .map((raw: RawDocument) => raw.bytes.toHex());
}

for (const isIndexed of [true, false]) {
  Deno.test(`Left alone: every pending document is claimed, scheduled or reported, for any _pull (${isIndexed ? "with" : "without"} the index)`, async () => {
    await using database = await testDatabase("left alone");
    await using store = openStore(database);
    if (isIndexed) await makeIndexes(database, store);
    const random = testRandom(1);
    const pulls = [
      ...everyValue(random, "_pull"),
      ...["visible_at", "takeovers", "alone", "attempts", "dead_at", "token"].flatMap((name) =>
        everyValue(random, name).map((field) => pull(field))
      ),
      ...["takeovers", "alone", "dead_at"].flatMap((name) =>
        everyValue(random, name).map((field) =>
          pull(element(0x09, "visible_at", new Uint8Array(new BigInt64Array([5n]).buffer)), field)
        )
      ),
      ...Array.from({ length: 500 }, () => randomPull(random)),
    ];
    using connection = await WireConnection.open(database.uri);
    const refused = await connection.insert(
      database.name,
      COLLECTION,
      pulls.map((each, id) => waiting(id, each)),
    );
    assert(refused.size < 5, [...refused.values()].join("\n"));
    assertEquals(await missed(database, true), []);
    // The frequent look leaves out arrays within arrays alone.
    const quick = await missed(database, false);
    assert(quick.length < pulls.length / 20, `${quick.length} of ${pulls.length}: ${quick.join("\n")}`);
  });
}

Deno.test("Left alone: a suspect by one counter alone is claimed by one of the queries", async () => {
  await using database = await testDatabase("left alone");
  await using store = openStore(database);
  const fields = { visible_at: LONG_AGO, attempts: 1 };
  await jobs(database).insertMany([
    ...pending(1, { _pull: { ...fields, alone: 1 } }),
    ...pending(1, { from: 1, _pull: { ...fields, alone: 1, takeovers: 0 } }),
    ...pending(1, { from: 2, status: "processing", _pull: { ...fields, token: "t", alone: 1 } }),
  ]);
  assertEquals(idsOf(await store.take()).sort(), [0, 1, 2]);
});

Deno.test("Left alone: a date before JavaScript's first one is due", async () => {
  await using database = await testDatabase("left alone");
  await using store = openStore(database);
  using connection = await WireConnection.open(database.uri);
  const first = element(0x09, "visible_at", new Uint8Array(new BigInt64Array([-(2n ** 63n)]).buffer));
  await connection.insert(database.name, COLLECTION, [waiting(1, pull(first))]);
  assertEquals(idsOf(await store.take()), [1]);
});

Deno.test("MongoStore.leftAlone() reports leases that never end, and only documents that match FILTER", async () => {
  await using database = await testDatabase("left alone");
  await using store = openStore(database, { filter: '{"kind": "a"}' });
  const endless = { status: "processing", _pull: { token: "t", visible_at: "never" } };
  await jobs(database).insertMany([
    ...pending(1, { ...endless, kind: "a" }),
    ...pending(1, { from: 1, ...endless, kind: "b" }),
    ...pending(1, { from: 2, status: "processing", _pull: { visible_at: "another program's" }, kind: "a" }),
  ]);
  const left = await store.leftAlone("last");
  assertEquals(left?.map(({ documents, example }) => [documents, example]), [[1, 0]]);
});
