import { assert, assertEquals } from "@std/assert";
import {
  Binary,
  BSONRegExp,
  Decimal128,
  Double,
  Int32,
  Long,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
  UUID,
} from "mongodb";
import { formatId } from "../../agent/store/documents/format_id.ts";
import { all, failAll, purge, redrive } from "../support/letters_for_commands.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { jobs, letters, openStore } from "../support/store.ts";

const OBJECT_ID = new ObjectId("0123456789abcdef01234567");
const MOMENT = new Date("2026-01-02T03:04:05.678Z");
/** Ids of every type, and how people type them. */
const TYPED: [unknown, ...string[]][] = [
  ["order-1", "order-1"],
  ["17", "17"],
  ['say "hi"', 'say "hi"'],
  ["", '""'],
  [OBJECT_ID, OBJECT_ID.toHexString(), OBJECT_ID.toHexString().toUpperCase(), `{"$oid":"${OBJECT_ID}"}`],
  [new Int32(7), "7", '{"$numberInt":"7"}'],
  [new Double(1.5), "1.5", '{"$numberDouble":"1.5"}'],
  [new Double(2 ** 60), "1152921504606846976"],
  [new Double(2 ** 70), "1.1805916207174113e+21"],
  [Long.fromString("9007199254740993"), "9007199254740993", '{"$numberLong":"9007199254740993"}'],
  // One that JSON takes for the one before.
  [Long.fromString("9007199254740992"), "9007199254740992"],
  [Long.MIN_VALUE, "-9223372036854775808"],
  [Decimal128.fromString("2.50"), "2.50", "2.5", '{"$numberDecimal":"2.50"}'],
  [Decimal128.fromString("1.10"), "1.10", "1.1"],
  [Decimal128.fromString("123456789012345678901234567890"), "123456789012345678901234567890"],
  [MOMENT, MOMENT.toISOString(), `{"$date":"${MOMENT.toISOString()}"}`],
  [new UUID("01234567-89ab-4def-8123-456789abcdef"), "01234567-89ab-4def-8123-456789abcdef"],
  [new Binary(new Uint8Array([1, 2, 3])), '{"$binary":{"base64":"AQID","subType":"00"}}'],
  [true, "true"],
  [{ region: "eu", number: 5 }, '{"region":"eu","number":5}'],
  // Flags that regular expressions of JavaScript have not, or by another name.
  [{ like: new BSONRegExp("a", "sux") }, '{"like":{"$regularExpression":{"pattern":"a","options":"sux"}}}'],
  [new Timestamp({ t: 3, i: 4 }), '{"$timestamp":{"t":3,"i":4}}'],
  [new MinKey(), '{"$minKey":1}'],
  [new MaxKey(), '{"$maxKey":1}'],
];

/** An id as the driver gives it back. */
async function stored(database: TestDatabase, id: unknown): Promise<unknown> {
  return (await letters(database).findOne({ _id: { $eq: id } }, { bsonRegExp: true }))._id;
}

Deno.test("Ids of every type are found as people type them, redriven and purged", async () => {
  await using database = await testDatabase("letter box");
  await using store = openStore(database);
  await jobs(database).insertMany(TYPED.map(([_id]) => ({ _id, status: "pending" })));
  await failAll(store);
  const box = await store.forCommands.letters();
  for (const [id, ...texts] of TYPED) {
    for (const text of [...texts, formatId(await stored(database, id))]) {
      assertEquals((await all(box, { id: text })).length, 1, text);
    }
    const [letter] = await all(box, { id: texts[0] });
    assert(await redrive(box, letter!), `redrive ${texts[0]}`);
    assertEquals(await jobs(database).countDocuments({ _id: { $eq: id }, status: "pending" }), 1, texts[0]);
  }
  await failAll(store);
  for (const [, text] of TYPED) assert(await purge(box, (await all(box, { id: text }))[0]!), text);
  assertEquals(await letters(database).countDocuments(), 0);
});

Deno.test("Ids: an id that looks like a pattern is not used as one", async () => {
  await using database = await testDatabase("letter box");
  await using store = openStore(database);
  await jobs(database).insertOne({ _id: "order", status: "pending" });
  await failAll(store);
  const id = '{"$regularExpression":{"pattern":"o","options":""}}';
  assertEquals(await all(await store.forCommands.letters(), { id }), []);
});
