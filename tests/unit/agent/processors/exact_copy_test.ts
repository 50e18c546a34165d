import { assert, assertEquals, assertMatch, assertNotStrictEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { Binary, BSON, BSONRegExp, Code, DBRef, Decimal128, Int32, Long, ObjectId, Timestamp } from "bson";
import { PermanentError } from "../../../../agent/errors.ts";
import { setFields } from "../../../../agent/processors/set_fields.ts";
import { integerFrom, pick, rounds, testRandom } from "../../../support/random.ts";

const INVALID = "Cannot write the processor's result: ";

function refusalOf(set: unknown): string {
  try {
    setFields(set);
  } catch (error) {
    assert(error instanceof PermanentError, String(error));
    assert(error.message.startsWith(INVALID), error.message);
    return error.message.slice(INVALID.length);
  }
  throw new Error("it was not refused");
}

class Money {
  amount = 1;
}
const circular: Record<string, unknown> = {};
circular.self = { back: circular };
const deep = (levels: number): object => levels === 1 ? {} : { a: deep(levels - 1) };
// Forty of these would be a million million elements.
const doubling = Array.from({ length: 40 }).reduce((value) => [value, value], "x");
const holed = [1, 2, 3];
delete holed[1];

for (
  const [value, says] of [
    [undefined, "set.order.lines[1] is undefined: write null"],
    [() => {}, "set.order.lines[1] is a function, which cannot be written"],
    [Symbol("x"), "set.order.lines[1] is a symbol, which cannot be written"],
    [2n ** 63n, "set.order.lines[1] is a BigInt of more than 64 bits: "],
    [-(2n ** 63n) - 1n, "set.order.lines[1] is a BigInt of more than 64 bits: "],
    [new Date(NaN), "set.order.lines[1] is an invalid Date"],
    ["\ud800", "set.order.lines[1] contains half a character"],
    [{ "a\0b": 1 }, "set.order.lines[1].a\0b contains a NUL character"],
    [{ "\udc00": 1 }, "contains half a character"],
    [{ [Symbol("k")]: 1 }, "set.order.lines[1] has a symbol for a name, Symbol(k)"],
    [holed, "set.order.lines[1][1] is undefined"],
    [new Map(), "set.order.lines[1] is Map, which cannot be written: write Object.fromEntries(map)"],
    [new Set(), "write [...set]"],
    [Promise.resolve(), "is Promise, which cannot be written: await it"],
    [new TypeError("x"), "is TypeError, which cannot be written: write its message"],
    [new URL("http://x"), "is URL, which cannot be written: write a plain object of its fields"],
    [new Money(), "is Money, which cannot be written"],
    [new Float64Array(2), "write Array.from(it)"],
    [new ArrayBuffer(2), "write new Uint8Array(buffer)"],
    [new String("x"), "write the text itself"],
    [/x/g, 'is a regular expression with the flags "g": only i and m can be written'],
    [/x/v, 'flags "v"'],
    [new RegExp("a\0"), "contains a NUL"],
    [circular, "is more than 180 levels deep, or contains itself"],
    [deep(179), "is more than 180 levels deep"],
    [{ _bsontype: "ObjectId" }, "has a field _bsontype"],
    [Long.MAX_UNSIGNED_VALUE, "is an unsigned Long that does not fit"],
    [new Code("x", { f: () => {} }), "set.order.lines[1]..f is a function"],
    [new DBRef("c", new ObjectId(), undefined, { x: [undefined] }), "set.order.lines[1].x[0] is undefined"],
    [otherVersion(6), "is an ObjectId of another version of the package bson (6): use version 7"],
    [otherVersion(undefined), "is an ObjectId of another version of the package bson (older than 5)"],
    [{ toBSON: () => 1 }, "set.order.lines[1].toBSON is a function"],
    [proxy("get"), "cannot be read: trapped"],
    [proxy("ownKeys"), "cannot be read: trapped"],
    [{
      get total() {
        throw new Error("no rate");
      },
    }, "set.order.lines[1].total cannot be read: no rate"],
    ["x".repeat(16 * 1024 * 1024), "set is larger than 16 MiB, which no document may be"],
    [new Uint8Array(16 * 1024 * 1024), "set is larger than 16 MiB"],
    [doubling, "set is larger than 16 MiB"],
  ] as [unknown, string][]
) {
  Deno.test(`setFields() refuses ${says.slice(0, 70)} (${typeof value})`, () => {
    const said = refusalOf({ "order.lines": [1, value] });
    assert(said.includes(says), said);
  });
}

/** An ObjectId as another version of the package makes it. */
function otherVersion(major: number | undefined): object {
  class ObjectId {
    get _bsontype() {
      return "ObjectId";
    }
    get [Symbol.for("@@mdb.bson.version")]() {
      return major;
    }
  }
  return new ObjectId();
}

function proxy(trap: "get" | "ownKeys"): object {
  return new Proxy({ a: 1 }, {
    [trap]: () => {
      throw new Error("trapped");
    },
  });
}

Deno.test("setFields() takes a field as deep as the server does", () => {
  assertEquals(setFields({ f: deep(180) })?.bytes, BSON.calculateObjectSize({ f: deep(180) }));
  assertMatch(refusalOf({ f: deep(181) }), /levels deep/);
  assertMatch(refusalOf({ "f.g": deep(180) }), /levels deep/);
});

Deno.test("setFields() measures each type of value as the driver does", () => {
  const values = [
    null,
    true,
    0,
    -0,
    -1,
    2 ** 31 - 1,
    2 ** 31,
    -(2 ** 31),
    2 ** 53,
    0.5,
    NaN,
    Infinity,
    1n,
    -(2n ** 63n),
    "",
    "x",
    "é€😀\0",
    "é€😀".repeat(300),
    new Date(8.64e15),
    /a.b/im,
    new Uint8Array(7),
    [],
    {},
    [1, [2], { three: 3 }],
    { "": 1, "a.b": 1, $odd: 1, 7: 1 },
    JSON.parse('{"__proto__": {"a": 1}}'),
    new ObjectId(),
    Long.fromNumber(5),
    new Int32(5),
    new Timestamp({ t: 1, i: 2 }),
    Decimal128.fromString("1.5"),
    new Binary(new Uint8Array(9), 4),
    new Binary(new Uint8Array(9), 2),
    new BSONRegExp("a", "ix"),
    new Code("f()"),
    new Code("f()", { a: 1 }),
    new DBRef("c", new ObjectId()),
    new DBRef("c", new ObjectId(), "db", { x: 1 }),
    new BSON.BSONSymbol("s"),
    new BSON.MinKey(),
    new BSON.MaxKey(),
    new BSON.Double(1),
  ];
  for (const value of values) {
    const set = { value, list: Array.from({ length: 12 }, () => value) };
    assertEquals(setFields(set)?.bytes, BSON.serialize(set).length, Deno.inspect(value));
  }
});

Deno.test("setFields() copies: what the module does to its object afterwards changes nothing", () => {
  const bytes = new Uint8Array([1, 2]);
  const mine = { list: [1, { two: 2 }], at: new Date(5), bytes };
  const { set } = setFields(mine)!;
  mine.list.push(3);
  mine.at.setTime(NaN);
  bytes[0] = 9;
  assertEquals(set, { list: [1, { two: 2 }], at: new Date(5), bytes: new Uint8Array([1, 2]) });
  assertNotStrictEquals(set.bytes, bytes);
});

/** Values of the driver's own types, with random contents, one within the other. */
function randomDriverValue(random: () => number, depth = 0): unknown {
  const bytes = () =>
    Uint8Array.from({ length: integerFrom(random, 1, 40) }, () => integerFrom(random, 0, 255));
  const text = () => "x".repeat(integerFrom(random, 0, 9));
  const inner = () => depth > 3 ? bytes() : randomDriverValue(random, depth + 1);
  return pick(random, [
    () => new Binary(bytes(), 128),
    () => new Binary(Buffer.from(bytes()), 4),
    () => new ObjectId(),
    () => Long.fromNumber(integerFrom(random, 0, 1e9)),
    () => new Timestamp({ t: integerFrom(random, 0, 1e9), i: 2 }),
    () => Decimal128.fromString(String(random())),
    () => new Int32(integerFrom(random, 0, 1e9)),
    () => new BSON.Double(random()),
    () => new BSONRegExp(text(), "i"),
    () => new BSON.BSONSymbol(text()),
    () => new Code(text()),
    () => new Code(text(), { [text()]: inner(), list: [inner()] }),
    () => new DBRef("c", new ObjectId(), pick(random, [undefined, "db"]), { [`f${text()}`]: inner() }),
    () => new BSON.MinKey(),
  ])();
}

/** Changes all that can be changed of a value, within it first. */
function spoil(value: unknown): void {
  if (value instanceof Uint8Array) value.fill(0xee);
  else if (typeof value === "object" && value !== null) {
    for (const [name, within] of Object.entries(value)) {
      spoil(within);
      if (typeof within === "number") (value as Record<string, unknown>)[name] = 3;
      else if (typeof within === "string") (value as Record<string, unknown>)[name] = "spoilt";
    }
    if (Object.getPrototypeOf(value) === Object.prototype) Object.assign(value, { added: 1 });
  }
}

Deno.test("setFields() copies values of the driver's own types, and all that is within them: property", () => {
  const random = testRandom(20261126);
  for (let round = 0; round < rounds(250); round++) {
    const mine = { value: randomDriverValue(random), list: [randomDriverValue(random)] };
    const meant = BSON.serialize(mine);
    const { set, bytes } = setFields(mine)!;
    spoil(mine);
    assertEquals([BSON.serialize(set), bytes], [meant, meant.length]);
  }
});

Deno.test("setFields() reads each value once", () => {
  let reads = 0;
  const set = {
    get total() {
      return ++reads === 1 ? 1 : () => {};
    },
  };
  assertEquals(setFields(set)?.set, { total: 1 });
});

Deno.test("setFields() leaves out what is undefined, as JSON does, and sets nothing when nothing is left", () => {
  const { set, bytes } = setFields({ a: undefined, b: { c: undefined, d: 1 } })!;
  assertEquals([Object.keys(set), Object.keys(set.b)], [["b"], ["d"]]);
  assertEquals(bytes, BSON.serialize(set).length);
  assertEquals(setFields({ a: undefined }), undefined);
});

Deno.test("setFields() asks an instance of a class how it is to be written, and looks at the answer", () => {
  class Amount {
    constructor(readonly answer: unknown) {}
    toBSON() {
      return this.answer;
    }
  }
  assertEquals(setFields({ a: new Amount({ cents: 5 }) })?.set, { a: { cents: 5 } });
  assertMatch(refusalOf({ a: new Amount([undefined]) }), /set\.a\[0\] is undefined/);
});

Deno.test("setFields() takes a plain object of another realm", () => {
  const other = Object.create(Object.create(null));
  other.total = 3;
  assertEquals(setFields({ other })?.set, { other: { total: 3 } });
});
