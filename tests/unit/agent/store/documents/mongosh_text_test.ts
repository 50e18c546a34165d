import { assertEquals } from "@std/assert";
import { BSON } from "bson";
import { collectionText, literal } from "../../../../../agent/store/documents/mongosh_text.ts";
import { evaluated } from "../../../../support/mongosh.ts";
import { testRandom } from "../../../../support/random.ts";
import { commandsIn, randomText } from "../../../../support/random_text.ts";

const VALUES: unknown[] = [
  "text",
  `"quoted" 'twice' \\ \u2028 \u202e`,
  1,
  -0,
  1.5,
  NaN,
  Infinity,
  true,
  null,
  new Date(0),
  new Date(8.64e15),
  new Date(-1),
  BSON.Long.fromString("9223372036854775807"),
  new BSON.ObjectId("65f0c0ffee0123456789abcd"),
  new BSON.UUID("0b5a4c1e-6a38-4e4e-9c57-0e6bd3b2c5a1").toBinary(),
  new BSON.Binary(new Uint8Array([1, 2, 3]), 5),
  BSON.Decimal128.fromString("1.50"),
  new BSON.MinKey(),
  new BSON.MaxKey(),
  new BSON.Timestamp({ t: 1, i: 2 }),
  new BSON.BSONRegExp("a/b", "i"),
  new BSON.Code("f()"),
  [],
  [1, ["a"]],
  {},
  { a: { $in: [1, "x"] }, "b.c": 1, "é": 2, $d: 3 },
  JSON.parse('{"__proto__": 1, "constructor": 2}'),
];

for (const value of VALUES) {
  Deno.test(`literal() of ${Deno.inspect(value).slice(0, 60)} means the same in mongosh, in one line`, () => {
    const text = literal(value);
    assertEquals(commandsIn(text), []);
    const same = evaluated(text);
    assertEquals(BSON.serialize({ same }).toHex(), BSON.serialize({ same: value }).toHex(), text);
  });
}

Deno.test("literal() and collectionText() of any text are one line that means that text, and nothing else", () => {
  const random = testRandom(3);
  for (let run = 0; run < 300; run++) {
    const text = randomText(random).toWellFormed() + `"); db.dropDatabase(); ("`;
    assertEquals(evaluated(literal({ [text]: [text] })), { [text]: [text] });
    assertEquals(commandsIn(collectionText(text, text)), []);
  }
});
