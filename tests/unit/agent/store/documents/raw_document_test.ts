import { assert, assertEquals, assertNotStrictEquals } from "@std/assert";
import { BSON, Double, Int32, Long, ObjectId } from "mongodb";
import { formatId } from "../../../../../agent/store/documents/format_id.ts";
import { MongoLeasedDocument } from "../../../../../agent/store/documents/leased_document.ts";
import { RawDocument } from "../../../../../agent/store/documents/raw_document.ts";

const raw = (document: BSON.Document) => new RawDocument(BSON.serialize(document));
const leased = (document: BSON.Document) =>
  new MongoLeasedDocument(raw(document), "shop.orders", {
    token: "t",
    sentAtMs: 5,
    attempt: 2,
    isSuspect: false,
  });

Deno.test("RawDocument.read() gives plain values without the agent's bookkeeping, a copy each time", () => {
  const document = raw({
    _id: 1,
    n: new Int32(7),
    at: new Date(5),
    list: [{ a: 1 }],
    status: "pending",
    _pull: { attempts: 1 },
  });
  // It is claimed by now, whenever it was read.
  const expected = { _id: 1, n: 7, at: new Date(5), list: [{ a: 1 }], status: "processing" };
  const first = document.read();
  assertEquals(first, expected);
  first.list[0].a = "changed";
  assertEquals(document.read(), expected);
  assertNotStrictEquals(document.read(), document.read());
});

Deno.test("RawDocument.exactId() keeps the type of every value", () => {
  const id = raw({ _id: { double: new Double(3), long: Long.fromNumber(3) } }).exactId() as BSON.Document;
  assertEquals([id.double._bsontype, id.long._bsontype], ["Double", "Long"]);
});

Deno.test("RawDocument of fields named $ref and $id is that document, and no reference to another", () => {
  const document = raw({ _id: 1, $ref: "a.b", $id: 2, $db: "c", status: "pending", n: new Int32(3) });
  assertEquals(document.id, 1);
  const fields = { _id: 1, $ref: "a.b", $id: 2, $db: "c", status: "processing", n: 3 };
  assertEquals(document.read(), fields);
});

Deno.test("RawDocument reads a large document as it reads a small one", () => {
  const document = raw({
    _id: "large",
    status: "processing",
    text: "x".repeat(200_000),
    _pull: { attempts: 3 },
  });
  assertEquals(document.bookkeeping?.attempts, 3);
  assertEquals(Object.keys(document.read()), ["_id", "status", "text"]);
});

const ID = new ObjectId("0123456789abcdef01234567");
for (
  const [name, id, key] of [
    ["an ObjectId", ID, '{"$oid":"0123456789abcdef01234567"}'],
    ["a string", 'a"b', '"a\\"b"'],
    ["an integer", new Int32(1), '{"$numberInt":"1"}'],
    ["a double", new Double(1), '{"$numberDouble":"1.0"}'],
    ["a long", Long.fromString("9007199254740993"), '{"$numberLong":"9007199254740993"}'],
    ["null", null, "null"],
    ["a document", { a: new Int32(1), b: "x" }, '{"a":{"$numberInt":"1"},"b":"x"}'],
  ] as const
) {
  Deno.test(`MongoLeasedDocument.idempotencyKey is exact if the _id is ${name}`, () => {
    assertEquals(leased({ _id: id }).idempotencyKey, `shop.orders:${key}`);
  });
}

Deno.test("MongoLeasedDocument says what it is a lease of", () => {
  const document = leased({ _id: "a", _pull: { attempts: 9 } });
  const { attempt, leasedAtMs, token, verdict } = document;
  assertEquals({ attempt, leasedAtMs, token, verdict }, {
    attempt: 2,
    leasedAtMs: 5,
    token: "t",
    verdict: undefined,
  });
  assertEquals(document.sizeBytes, BSON.serialize({ _id: "a", _pull: { attempts: 9 } }).length);
});

Deno.test("MongoLeasedDocument takes dead_at for a verdict only if it is a date", () => {
  assertEquals(leased({ _id: 1, _pull: { dead_at: new Date(7) } }).verdict, { deadAt: new Date(7) });
  assertEquals(leased({ _id: 1, _pull: { dead_at: "yesterday" } }).verdict, undefined);
});

Deno.test("formatId() writes ids as people read them", () => {
  assertEquals(["text", ID, 7, { a: 1 }].map(formatId), ["text", ID.toHexString(), "7", '{"a":1}']);
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  assert(typeof formatId(cycle) === "string");
});

for (
  const [id, shown] of [
    ["", '""'],
    ["a\n2026-01-01T00:00:00.000Z  b", '"a\\n2026-01-01T00:00:00.000Z  b"'],
    ["\u001b[2J\u009b1m", '"\\u001b[2J\\u009b1m"'],
    ["\u202etxt\u2028", '"\\u202etxt\\u2028"'],
    ["\ud800", '"\\ud800"'],
    [{ "\u009b": "\u007f\u{e0001}" }, '{"\\u009b":"\\u007f\\udb40\\udc01"}'],
  ] as const
) {
  Deno.test(`formatId() quotes text that a terminal would not show as it is: ${shown}`, () => {
    assertEquals(formatId(id), shown);
    assertEquals(JSON.parse(shown), id);
  });
}

Deno.test("formatId() says every digit of a large number", () => {
  const long = BSON.Long.fromString("9007199254740993");
  assertEquals([long, -(2 ** 60), 1e21, -0, { part: long }].map(formatId), [
    "9007199254740993",
    "-1152921504606846976",
    "1e+21",
    "0",
    '{"part":{"$numberLong":"9007199254740993"}}',
  ]);
});

Deno.test("RawDocument.saved() is what an agent has saved, with the values that a document has for users", () => {
  const data = { page: new Int32(3), big: Long.fromString("9007199254740993"), at: new Date(5), list: [1.5] };
  const { n, data: read } = raw({ _id: 1, _pull: { saved: { n: new Int32(4), data } } }).saved()!;
  assertEquals([n, Object.keys(read as object)], [4, ["page", "big", "at", "list"]]);
  assertEquals(read, { ...data, page: 3 });
  assertEquals(raw({ _id: 1, _pull: { saved: { n: Long.fromNumber(7), data: null } } }).saved(), {
    n: 7,
    data: null,
  });
});

Deno.test("RawDocument.saved() is undefined for anything else that the field holds", () => {
  const odd = [undefined, null, 3, "page 3", [], {}, { n: "4", data: 1 }, { n: NaN, data: 1 }, { n: 4 }];
  for (const saved of odd) assertEquals(raw({ _id: 1, _pull: { saved } }).saved(), undefined);
  assertEquals(raw({ _id: 1, _pull: "the user's own" }).saved(), undefined);
  assertEquals(raw({ _id: 1 }).saved(), undefined);
});
