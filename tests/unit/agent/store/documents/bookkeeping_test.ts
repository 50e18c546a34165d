import { assertEquals } from "@std/assert";
import { BSON, Decimal128, Double, Int32, Long } from "mongodb";
import { bookkeepingOf, brokenCounters } from "../../../../../agent/store/documents/bookkeeping.ts";
import { testRandom } from "../../../../support/random.ts";
import { elementOfEveryType } from "../../../../support/random_bson.ts";
import { bsonDocument, type BsonElement, utf8 } from "../../../../support/raw_bson.ts";

const within = (_pull: unknown) => bookkeepingOf(BSON.serialize({ _id: 1, _pull }));

function doubled(name: string, first: number, second: number): BsonElement[] {
  return [first, second].map((value) => ({
    type: 0x10,
    name: utf8(name),
    value: new Uint8Array(new Int32Array([value]).buffer),
  }));
}

Deno.test("bookkeepingOf() reads numbers of every type, and a verdict that is a date", () => {
  const numbers = [new Int32(3), new Double(3), Long.fromNumber(3), Decimal128.fromString("3")];
  for (const number of numbers) {
    assertEquals(
      within({ attempts: number, alone: number, dead_at: new Date(5), takeovers: number, snoozes: number }),
      {
        attempts: 3,
        alone: 3,
        dead_at: new Date(5),
        takeovers: 3,
        snoozes: 3,
        saved: undefined,
      },
    );
  }
});

Deno.test("bookkeepingOf() takes a number of attempts that never grows for one that is spent", () => {
  const endless = [
    ...[NaN, Infinity, -Infinity, -1, -1e300, Long.MIN_VALUE],
    ...["NaN", "Infinity", "-1E+6000"].map((text) => Decimal128.fromString(text)),
  ];
  for (const attempts of endless) {
    assertEquals(within({ attempts })?.attempts, Number.MAX_SAFE_INTEGER);
  }
});

Deno.test("bookkeepingOf() takes a number of starts alone that no agent wrote for none: the next start writes it anew", () => {
  for (const alone of [NaN, -Infinity, -1, Long.MIN_VALUE, Decimal128.fromString("-1E+6000")]) {
    assertEquals(within({ alone })?.alone, undefined);
  }
});

Deno.test("bookkeepingOf() of two fields of a name reads the first, as the server does", () => {
  const pull = bsonDocument([...doubled("attempts", 2, 9), ...doubled("alone", 1, 0)]);
  const document = bsonDocument([
    { type: 0x03, name: utf8("_pull"), value: pull },
    { type: 0x03, name: utf8("_pull"), value: bsonDocument([]) },
  ]);
  assertEquals(bookkeepingOf(document), {
    attempts: 2,
    alone: 1,
    dead_at: undefined,
    snoozes: undefined,
    saved: undefined,
    takeovers: undefined,
  });
});

Deno.test("bookkeepingOf() returns only numbers and dates, for a field of any type", () => {
  const random = testRandom(11);
  for (let round = 0; round < 50; round++) {
    for (const name of ["attempts", "alone", "dead_at", "token"]) {
      for (const field of elementOfEveryType(random, name)) {
        const pull = { type: 0x03, name: utf8("_pull"), value: bsonDocument([field]) };
        const { attempts, alone, dead_at: deadAt } = bookkeepingOf(bsonDocument([pull]))!;
        assertEquals([typeof (attempts ?? 0), typeof (alone ?? 0)], ["number", "number"]);
        assertEquals(Number.isNaN((deadAt ?? new Date()).getTime()), false);
        const isNumber = [0x01, 0x10, 0x12, 0x13].includes(field.type);
        const isBroken = ["attempts", "alone"].includes(name) && !isNumber;
        assertEquals(brokenCounters(bsonDocument([pull])), isBroken ? [name] : []);
      }
    }
    for (const pull of elementOfEveryType(random, "_pull")) {
      const found = bookkeepingOf(bsonDocument([pull]));
      if (pull.type !== 0x03) assertEquals(found, {});
    }
  }
});
