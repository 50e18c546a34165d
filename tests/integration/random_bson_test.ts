import { assert, assertEquals } from "@std/assert";
import { testDatabase } from "../support/mongod.ts";
import { seededRandom, testRandom } from "../support/random.ts";
import { elementOfEveryType, randomDocument } from "../support/random_bson.ts";
import { bsonDocument, elementNamed, elementsOf, sameBytes, utf8 } from "../support/raw_bson.ts";
import { COLLECTION, jobs } from "../support/store.ts";
import { WireConnection } from "../support/wire.ts";

const COUNT = 400;

Deno.test("randomDocument() makes documents that a server takes and gives back byte for byte", async () => {
  await using database = await testDatabase("random bson");
  using connection = await WireConnection.open(database.uri);
  const random = testRandom(7);
  const documents = Array.from({ length: COUNT }, () => randomDocument(random));
  const refused = await connection.insert(database.name, COLLECTION, documents);
  assert(refused.size < COUNT / 3, [...refused.values()].join("\n"));
  const stored = await jobs(database).find({}, { raw: true }).toArray();
  assertEquals(stored.length, COUNT - refused.size);
  const known = new Set(documents.map((bytes) => bytes.toHex()));
  const changed = stored.filter((bytes: Uint8Array) => !known.has(new Uint8Array(bytes).toHex()));
  // A server turns an empty Timestamp at the top into its own time, and nothing else into anything.
  assertEquals(changed.length, 0);
  const types = new Set(stored.flatMap((bytes: Uint8Array) => elementsOf(bytes).map(({ type }) => type)));
  assertEquals(types.size, 21, [...types].join());
});

Deno.test("randomDocument() gives the same documents for the same seed", () => {
  const [one, other] = [seededRandom(3), seededRandom(3)];
  for (let count = 0; count < 50; count++) {
    assertEquals(randomDocument(one).toHex(), randomDocument(other).toHex());
  }
});

Deno.test("elementsOf() takes apart what bsonDocument() put together", () => {
  const elements = elementOfEveryType(seededRandom(1), "x");
  const document = bsonDocument(elements);
  assertEquals(elementsOf(document).map(({ type }) => type), elements.map(({ type }) => type));
  assert(sameBytes(bsonDocument(elementsOf(document)), document));
  assertEquals(elementNamed(document, "x")?.type, elements[0]!.type);
  assertEquals(elementNamed(document, "y"), undefined);
  assertEquals(elementsOf(document)[0]!.name, utf8("x"));
});
