import { assertEquals } from "@std/assert";
import { Binary, Decimal128, Double, Int32, Long, ObjectId, UUID } from "bson";
import { isSameId } from "../../../../../agent/processors/writes/same_id.ts";

const bytes = new Uint8Array([1, 2]);
const uuid = new UUID();

for (
  const same of [
    [7, 7n, new Int32(7), new Double(7), Long.fromNumber(7)],
    [0, -0, 0n],
    [2n ** 62n, Long.fromBigInt(2n ** 62n)],
    [0.5, new Double(0.5)],
    ["7", "7"],
    [new ObjectId("665000000000000000000000"), ObjectId.createFromHexString("665000000000000000000000")],
    [bytes, new Binary(bytes), Uint8Array.from(bytes)],
    [uuid, new Binary(uuid.buffer, 4)],
    [new Date(5), new Date(5)],
    [null, null],
    [{ a: 1, b: [2] }, { a: 1n, b: [new Int32(2)] }],
    [Decimal128.fromString("1.5"), Decimal128.fromString("1.5")],
  ]
) {
  Deno.test(`isSameId() takes ${Deno.inspect(same, { compact: true })} for the same`, () => {
    for (const one of same) {
      for (const other of same) assertEquals(isSameId(one, other), true, Deno.inspect([one, other]));
    }
  });
}

Deno.test("isSameId() tells values apart that the server tells apart", () => {
  const different = [
    7,
    "7",
    8,
    7.5,
    null,
    true,
    "null",
    [7],
    { a: 7 },
    { a: 7, b: 1 },
    { b: 1, a: 7 },
    { a: "7" },
    new Date(7),
    new ObjectId("665000000000000000000000"),
    "665000000000000000000000",
    new ObjectId("665000000000000000000001"),
    bytes,
    new Binary(bytes, 128),
    new Uint8Array([1]),
    NaN,
    Infinity,
    2n ** 62n + 1n,
    2n ** 62n,
  ];
  for (const [at, one] of different.entries()) {
    for (const [other, value] of different.entries()) {
      assertEquals(isSameId(one, value), at === other, Deno.inspect([one, value]));
    }
  }
});
