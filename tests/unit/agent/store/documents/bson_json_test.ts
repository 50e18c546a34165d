import { assert, assertEquals } from "@std/assert";
import { BSON, Double, Long } from "bson";
import { bsonJson } from "../../../../../agent/store/documents/bson_json.ts";
import { rounds, testRandom } from "../../../../support/random.ts";
import { bsonDocument, element, utf8 } from "../../../../support/raw_bson.ts";
import { randomDocument } from "../../../../support/random_bson.ts";

const ONE = new Uint8Array([1, 0, 0, 0]);
const TEXT_OF_NO_UTF8 = new Uint8Array([5, 0, 0, 0, 0x63, 0x61, 0x66, 0xe9, 0]);
/** The old binary whose inner length is wrong: the driver refuses it. */
const WRONG_BINARY = new Uint8Array([8, 0, 0, 0, 2, 0xff, 0xff, 0xff, 0x7f, 1, 2, 3, 4]);
const FAR_DATE = new Uint8Array(BigInt64Array.of(2n ** 63n - 1n).buffer);

Deno.test("bsonJson() writes values as people read them and rounds no integer", () => {
  const document = BSON.serialize({
    int: 1,
    double: new Double(1.5),
    long: Long.fromString("9007199254740993"),
    small: Long.fromInt(7),
    date: new Date(0),
    list: [1, "a", { b: null }],
    empty: [{}, []],
    pattern: /a/i,
  });
  assertEquals(
    bsonJson(document),
    `{"int":1,"double":1.5,"long":{"$numberLong":"9007199254740993"},"small":7,"date":{"$date":"1970-01-01T00:00:00.000Z"},` +
      `"list":[1,"a",{"b":null}],"empty":[{},[]],"pattern":{"$regularExpression":{"pattern":"a","options":"i"}}}`,
  );
  assertEquals(JSON.parse(bsonJson(document, 2)), JSON.parse(bsonJson(document)));
  assertEquals(
    bsonJson(BSON.serialize({ a: { b: [1] }, at: new Date(0) }), 2),
    `{\n  "a": {\n    "b": [\n      1\n    ]\n  },\n  "at": {"$date":"1970-01-01T00:00:00.000Z"}\n}`,
  );
});

Deno.test("bsonJson() keeps the order of numeric names, both of two fields of one name, and says what cannot be shown", () => {
  const document = bsonDocument([
    element(0x10, "10", ONE),
    element(0x10, "9", ONE),
    element(0x02, "text", TEXT_OF_NO_UTF8),
    element(0x05, "bytes", WRONG_BINARY),
    element(0x09, "far", FAR_DATE),
    element(0x06, "none", new Uint8Array()),
    element(0x10, "9", ONE),
    element(0x02, "_bsontype", new Uint8Array([2, 0, 0, 0, 0x78, 0])),
  ]);
  const json = bsonJson(document);
  assert(json.startsWith(`{"10":1,"9":1,"text":"caf\ufffd","bytes":"(cannot be shown: `), json);
  assert(
    json.endsWith(
      `,"far":{"$date":{"$numberLong":"9223372036854775807"}},"none":{"$undefined":true},"9":1,"_bsontype":"x"}`,
    ),
    json,
  );
});

Deno.test("bsonJson() gives JSON for every document that a server may hold, and never throws", () => {
  const random = testRandom(11);
  for (let each = 0; each < rounds(250); each++) {
    const document = randomDocument(random, { maxFields: 6, pull: true });
    for (const indent of [0, 2]) JSON.parse(bsonJson(document, indent));
  }
  for (let each = 0; each < rounds(63); each++) {
    const broken = randomDocument(random).slice();
    broken[Math.floor(random() * broken.length)] = Math.floor(random() * 256);
    JSON.parse(bsonJson(broken));
  }
  JSON.parse(bsonJson(bsonDocument([element(0x42, "odd", utf8("x"))])));
});
