import { assert, assertEquals } from "@std/assert";
import { BSON } from "mongodb";
import { systemClock } from "../../../../../agent/lib/clock.ts";
import { placesOf } from "../../../../../agent/store/documents/bson_places.ts";
import { documentToShow } from "../../../../../agent/store/documents/large_document.ts";
import { RawDocument } from "../../../../../agent/store/documents/raw_document.ts";
import { bsonDocument, type BsonElement, element, utf8 } from "../../../../support/raw_bson.ts";

const many = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`field ${at}`, at]));
const pull = { attempts: 2, visible_at: new Date(0) };

Deno.test("documentToShow() lets other work go on while it reads a document of two hundred thousand fields, also within a field", async () => {
  for (const fields of [many(200_000), { list: many(200_000) }, { list: Object.values(many(200_000)) }]) {
    const bytes = BSON.serialize({ _id: 7, _pull: pull, ...fields });
    let turns = 0;
    const other = setInterval(() => turns += 1, 0);
    const raw = await documentToShow(bytes, systemClock);
    clearInterval(other);
    assertEquals([raw.id, raw.bookkeeping?.attempts, raw.unreadable], [7, 2, undefined]);
    assert(turns >= 10, `${turns} turns`);
  }
});

Deno.test("documentToShow() tells the same of a large document as of a small one", async () => {
  const filler = new Uint8Array(2 ** 20 + 5);
  new DataView(filler.buffer).setInt32(0, 2 ** 20, true);
  const large = [
    element(0x05, "filler", filler),
    ...Array.from({ length: 9000 }, (_, at) => element(0x10, `field ${at}`, new Uint8Array(4))),
  ];
  // No driver takes it for true or for false.
  const bad = element(0x08, "bad", new Uint8Array([7]));
  const id = element(0x02, "_id", new Uint8Array([2, 0, 0, 0, ...utf8("a"), 0]));
  const cases: BsonElement[][] = [
    [id],
    [id, bad],
    [id, element(0x03, "_pull", bsonDocument([bad]))],
    [id, element(0x03, "inner", bsonDocument([...large, bad]))],
  ];
  for (const elements of cases) {
    for (const bytes of [bsonDocument([...elements, ...large]), bsonDocument([...large, ...elements])]) {
      assert(bytes.length > 2 ** 20);
      const [shown, read] = [await documentToShow(bytes, systemClock), new RawDocument(bytes)];
      assertEquals(
        [shown.id, shown.bookkeeping, shown.unreadable],
        [read.id, read.bookkeeping, read.unreadable],
      );
    }
  }
});

Deno.test("placesOf() finds what the driver finds, of every type, and throws of what is no document", () => {
  const bytes = BSON.serialize({
    _id: new BSON.ObjectId(),
    values: [1.5, "text", { a: 1 }, new BSON.Binary(new Uint8Array(3)), true, new Date(), null],
    regex: /a+b/gi,
    code: new BSON.Code("function() {}"),
    scoped: new BSON.Code("x", { x: 1 }),
    symbol: new BSON.BSONSymbol("s"),
    int: new BSON.Int32(1),
    long: BSON.Long.fromNumber(2),
    time: new BSON.Timestamp({ t: 1, i: 2 }),
    decimal: BSON.Decimal128.fromString("1.5"),
    min: new BSON.MinKey(),
    max: new BSON.MaxKey(),
    empty: "",
    "": "no name",
  });
  const found = [...placesOf(bytes)].map(({ length, nameLength, nameOffset, offset, type }) => [
    type,
    nameOffset,
    nameLength,
    offset,
    length,
  ]);
  assertEquals(found, [...BSON.onDemand.parseToElements(bytes)].map((each) => [...each]));
  for (let cut = 0; cut < bytes.length; cut++) {
    let isRefused = false;
    try {
      for (const { length } of placesOf(bytes.subarray(0, cut))) assert(length >= 0);
    } catch {
      isRefused = true;
    }
    assert(isRefused, `cut at ${cut}`);
  }
});
