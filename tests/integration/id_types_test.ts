import { assertEquals } from "@std/assert";
import {
  Binary,
  Code,
  Decimal128,
  Double,
  EJSON,
  Int32,
  Long,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
  UUID,
} from "bson";
import { InProcessAgent } from "../support/in_process_agent.ts";
import { testDatabase } from "../support/mongod.ts";
import { expireLeases, jobs, letters, LONG_AGO, makeDue, openStore } from "../support/store.ts";
import { waitFor } from "../support/wait.ts";

/** An id of every type that the server takes, with its canonical Extended JSON. */
const IDS: Record<string, [id: unknown, canonical: string]> = {
  ObjectId: [new ObjectId("0123456789abcdef01234567"), `{"$oid":"0123456789abcdef01234567"}`],
  string: ["order-1", `"order-1"`],
  "string with quotes, dollars and dots": [`$a."b"\\c\u0000é😀`, JSON.stringify(`$a."b"\\c\u0000é😀`)],
  "empty string": ["", `""`],
  int32: [new Int32(7), `{"$numberInt":"7"}`],
  "negative int32": [new Int32(-7), `{"$numberInt":"-7"}`],
  int64: [Long.fromString("70000000000"), `{"$numberLong":"70000000000"}`],
  "int64 beyond 2^53": [Long.fromString("9007199254740993"), `{"$numberLong":"9007199254740993"}`],
  "its neighbour": [Long.fromString("9007199254740995"), `{"$numberLong":"9007199254740995"}`],
  double: [new Double(1.5), `{"$numberDouble":"1.5"}`],
  "double without fraction": [new Double(9), `{"$numberDouble":"9.0"}`],
  NaN: [new Double(NaN), `{"$numberDouble":"NaN"}`],
  infinity: [new Double(-Infinity), `{"$numberDouble":"-Infinity"}`],
  decimal: [Decimal128.fromString("2.50"), `{"$numberDecimal":"2.50"}`],
  date: [new Date(1_500_000_000_000), `{"$date":{"$numberLong":"1500000000000"}}`],
  "date before 1970": [new Date(-1), `{"$date":{"$numberLong":"-1"}}`],
  UUID: [
    new UUID("01234567-89ab-cdef-0123-456789abcdef"),
    `{"$binary":{"base64":"ASNFZ4mrze8BI0VniavN7w==","subType":"04"}}`,
  ],
  binary: [new Binary(new Uint8Array([1, 2, 3]), 0), `{"$binary":{"base64":"AQID","subType":"00"}}`],
  "binary of a user's type": [
    new Binary(new Uint8Array([1, 2, 3]), 0x80),
    `{"$binary":{"base64":"AQID","subType":"80"}}`,
  ],
  "embedded document": [
    { region: "eu", number: new Int32(3) },
    `{"region":"eu","number":{"$numberInt":"3"}}`,
  ],
  "embedded document, another order": [
    { number: new Int32(3), region: "eu" },
    `{"number":{"$numberInt":"3"},"region":"eu"}`,
  ],
  "embedded document of documents": [
    { a: { b: [new Int32(1), { c: new ObjectId("0123456789abcdef01234567") }] } },
    `{"a":{"b":[{"$numberInt":"1"},{"c":{"$oid":"0123456789abcdef01234567"}}]}}`,
  ],
  "empty document": [{}, "{}"],
  null: [null, "null"],
  true: [true, "true"],
  false: [false, "false"],
  timestamp: [new Timestamp({ t: 5, i: 6 }), `{"$timestamp":{"t":5,"i":6}}`],
  code: [new Code("return 1"), `{"$code":"return 1"}`],
  minKey: [new MinKey(), `{"$minKey":1}`],
  maxKey: [new MaxKey(), `{"$maxKey":1}`],
};

const DOCUMENTS = Object.entries(IDS).map(([type, [_id]]) => ({ _id, type, status: "pending" }));
/** Inserts ids as they are: the driver would replace null. */
const AS_GIVEN = { forceServerObjectId: true };
/** Reads ids as they are. */
const EXACT = { promoteValues: false };

Deno.test("Documents with ids of every type are claimed under a canonical key, renewed and acked", async () => {
  await using database = await testDatabase("id types");
  await using store = openStore(database);
  await jobs(database).insertMany(DOCUMENTS, AS_GIVEN);

  const { documents } = await store.take();
  assertEquals(documents.length, DOCUMENTS.length);
  for (const document of documents) {
    const { type } = document.read();
    assertEquals(document.idempotencyKey, `${database.name}.jobs:${IDS[type]![1]}`, type);
  }
  assertEquals(await store.renew(documents), []);
  await jobs(database).updateOne({ type: "NaN" }, { $set: { "_pull.token": "of another" } });
  assertEquals((await store.renew(documents)).map((each) => each.read().type), ["NaN"]);
  assertEquals((await store.ack(documents.map((document) => ({ document })))).matched, DOCUMENTS.length - 1);
});

Deno.test("Ids: a document whose id is of any type goes through every step", async (t) => {
  await using database = await testDatabase("id types");
  await using store = openStore(database);
  for (const document of DOCUMENTS) {
    await t.step(document.type, async () => {
      await jobs(database).insertOne(document, AS_GIVEN);
      const { idempotencyKey, token } = await store.takeOne();

      // Taken over, released, failed, claimed once more: each time read back by token.
      await expireLeases(jobs(database));
      const second = await store.takeOne();
      assertEquals([second.idempotencyKey, second.token === token], [idempotencyKey, false]);
      assertEquals(await store.renew([second]), []);
      assertEquals((await store.release([second])).matched, 1);
      assertEquals(
        (await store.nack([{ document: await store.takeOne(), error: "fails", delayMs: 0 }])).matched,
        1,
      );
      await makeDue(jobs(database));
      const last = await store.takeOne();
      assertEquals(last.idempotencyKey, idempotencyKey);
      assertEquals(await store.deadLetter(last, "fails for good"), 1);

      const [letter] = await letters(database).find({}, EXACT).toArray();
      const [stored] = await jobs(database).find({}, EXACT).toArray();
      const id = EJSON.stringify(document._id, { relaxed: false });
      for (const each of [letter._id, letter.document._id, stored._id]) {
        assertEquals(EJSON.stringify(each, { relaxed: false }), id);
      }
      assertEquals(stored.status, "failed");
      await jobs(database).deleteMany();
      await letters(database).deleteMany();
    });
  }
});

Deno.test("Ids: an agent processes ids of every type once, under contention as well", async () => {
  await using database = await testDatabase("id types");
  await using first = openStore(database);
  await using second = openStore(database);
  await jobs(database).insertMany(DOCUMENTS, AS_GIVEN);
  const runs: string[] = [];
  const processor = ({ type }: { type?: string }) => void runs.push(type!);
  await using _one = new InProcessAgent(first, processor, { batchSize: 3 });
  await using _two = new InProcessAgent(second, processor, { batchSize: 3 });

  const left = () => jobs(database).countDocuments({ status: { $ne: "processed" } });
  await waitFor("all to be processed", async () => await left() === 0);
  assertEquals(runs.sort(), Object.keys(IDS).sort());
});

Deno.test("Ids: a verdict on a document of any id type is finished by the next holder", async () => {
  await using database = await testDatabase("id types");
  await using store = openStore(database);
  const lease = { token: "t", visible_at: LONG_AGO, attempts: 1, dead_at: new Date(2000) };
  await jobs(database).insertMany(
    DOCUMENTS.map((each) => ({ ...each, status: "processing", _pull: lease })),
    AS_GIVEN,
  );

  const { documents } = await store.take();
  for (const document of documents) {
    assertEquals(await store.finishVerdict(document), 1, document.read().type);
  }
  assertEquals(await letters(database).countDocuments({ dead_at: new Date(2000) }), DOCUMENTS.length);
});
