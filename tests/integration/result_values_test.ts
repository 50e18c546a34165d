import { assert, assertEquals } from "@std/assert";
import { Binary, BSON, BSONRegExp, Decimal128, Double, Int32, Long, ObjectId, Timestamp } from "mongodb";
import type { Document } from "../../agent/ports.ts";
import { resultOf } from "../support/results.ts";
import { testDatabase } from "../support/mongod.ts";
import { integerFrom, pick, testRandom } from "../support/random.ts";
import { type AnyDocument, jobs, openStore, pending } from "../support/store.ts";

const COUNT = 1_000;

/** Values as users return them: those that the database knows, and those that it does not. */
const LEAVES: (() => unknown)[] = [
  () => null,
  () => ({ gone: undefined, here: 1 }),
  () => true,
  () => 5,
  () => -0,
  () => NaN,
  () => Infinity,
  () => 2 ** 53,
  () => 2 ** 31,
  () => 0.1,
  () => 7n,
  () => 2n ** 63n - 1n,
  () => "text é😀\0",
  () => "",
  () => new Date(0),
  () => new Date(-8.64e15),
  () => /a\/b/im,
  () => new RegExp(""),
  () => new Uint8Array([1, 2, 3]),
  () => new ObjectId(),
  () => Long.fromBigInt(-5n),
  () => new Int32(3),
  () => new Double(3),
  () => new Timestamp({ t: 1, i: 2 }),
  () => Decimal128.fromString("-1.50"),
  () => new Binary(new Uint8Array([1, 2]), 128),
  () => new BSONRegExp("a.b", "imsx"),
  () => new BSON.MinKey(),
];

const WRONG: (() => unknown)[] = [
  () => [undefined],
  () => () => {},
  () => Symbol("s"),
  () => 2n ** 64n,
  () => -(2n ** 63n) - 1n,
  () => new Date(NaN),
  () => /x/gs,
  () => "\udfff",
  () => new Map([["a", 1]]),
  () => new Set([1]),
  () => new Error("x"),
  () => new URL("http://localhost"),
  () => new Float32Array(2),
  () => new ArrayBuffer(2),
  () => Promise.resolve(1),
  () => new Number(3),
  () => ({ "nul\0": 1 }),
  () => [, 1],
  () => Long.MAX_UNSIGNED_VALUE,
];

const NAMES = [
  "a",
  "b c",
  "ü",
  "7",
  "07",
  "-1",
  "",
  "$odd",
  "a.b",
  "__proto__",
  "constructor",
  "toString",
  "é\u0301",
];

function randomValue(random: () => number, depth: number, wrong: number): unknown {
  const roll = random();
  if (roll < wrong) return pick(random, WRONG)();
  if (depth === 0 || roll < 0.6) return pick(random, LEAVES)();
  const below = () => randomValue(random, depth - 1, wrong);
  if (roll < 0.8) return Array.from({ length: integerFrom(random, 0, 4) }, below);
  return Object.fromEntries(
    Array.from({ length: integerFrom(random, 0, 4) }, () => [pick(random, NAMES), below()]),
  );
}

/** A value with its type in the database and its names in order: equal for equal values alone. */
// deno-lint-ignore no-explicit-any -- of every type there is
function exact(value: any): unknown {
  if (Array.isArray(value)) return ["array", Array.from(value, exact)];
  if (value instanceof Int32 || value instanceof Double) return exact(Number(value));
  if (typeof value === "number") return ["number", Object.is(value, -0) ? "-0" : String(value)];
  if (typeof value === "bigint") return exact(Long.fromBigInt(value));
  if (value instanceof Uint8Array) return exact(new Binary(value));
  if (value instanceof RegExp) return exact(new BSONRegExp(value.source, value.flags));
  if (value instanceof Date) return ["date", String(value.getTime())];
  if (value?._bsontype) return [value._bsontype, BSON.EJSON.stringify(value, { relaxed: false })];
  if (typeof value === "object" && value !== null) {
    return [
      "object",
      Object.entries(value).filter(([, each]) => each !== undefined).map((
        [name, each],
      ) => [name, exact(each)]),
    ];
  }
  return value;
}

Deno.test("Results: what a processor returns is written exactly, or is an error: property over all kinds of values", async () => {
  await using database = await testDatabase("result values");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(COUNT));
  const { documents } = await store.take(COUNT);
  const random = testRandom(7);
  const sent = new Map<unknown, Document>();
  const acks = [];
  let refused = 0;
  for (const document of documents) {
    // Half of them hold nothing that is wrong.
    const wrong = random() < 0.5 ? 0 : 0.1;
    const set = { value: randomValue(random, 4, wrong), "dotted.name": randomValue(random, 2, wrong) };
    const result = await resultOf({ set });
    if (result.ok) {
      assertEquals(
        result.resultBytes,
        BSON.calculateObjectSize(set, { ignoreUndefined: true }),
        Deno.inspect(set),
      );
      sent.set(document.id, set);
      acks.push({ document, set: result.set });
    } else {
      refused += 1;
      assert(wrong > 0, `${result.error} of ${Deno.inspect(set)}`);
    }
  }
  assert(refused > 100 && acks.length > 500, `${refused} refused`);
  assertEquals((await store.ack(acks)).matched, acks.length);
  const raw = jobs(database).find({ status: "processed" }, { raw: true }) as AnyDocument;
  for await (const bytes of raw) {
    const stored = BSON.deserialize(bytes, { promoteValues: false, bsonRegExp: true });
    const set = sent.get(Number(stored._id))!;
    assertEquals(exact(stored.value), exact(set.value), Deno.inspect(set));
    assertEquals(exact(stored.dotted.name), exact(set["dotted.name"]), Deno.inspect(set));
    sent.delete(Number(stored._id));
  }
  assertEquals(sent.size, 0);
});

Deno.test("Results: a result is refused by the agent before the server would: depth and size", async () => {
  await using database = await testDatabase("result values");
  await using store = openStore(database);
  await jobs(database).insertMany(pending(2));
  const deep = (levels: number): object => levels === 1 ? {} : { a: deep(levels - 1) };
  const { documents } = await store.take();
  const sets = [{ f: deep(180) }, { "f.g.h": deep(178), text: "x".repeat(16 * 1024 * 1024 - 5_000) }];
  for (const [index, set] of sets.entries()) {
    const result = await resultOf({ set });
    assert(result.ok, Deno.inspect(result));
    assertEquals((await store.ack([{ document: documents[index]!, set: result.set }])).matched, 1);
  }
});
