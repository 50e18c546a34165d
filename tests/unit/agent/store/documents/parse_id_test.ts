import { assert, assertEquals } from "@std/assert";
import { BSON } from "bson";
import { otherIds, possibleIds } from "../../../../../agent/store/documents/parse_id.ts";

const HEX = "65f0c0ffee0123456789abcd";
const UUID = "0b5a4c1e-6a38-4e4e-9c57-0e6bd3b2c5a1";

function has(ids: readonly unknown[], wanted: unknown): boolean {
  const json = (id: unknown) => BSON.EJSON.stringify({ id }, { relaxed: false });
  return ids.some((id) => json(id) === json(wanted));
}

/** What is typed, and a value that it may mean. */
const MEANT: [typed: string, value: unknown][] = [
  [HEX, new BSON.ObjectId(HEX)],
  [`ObjectId("${HEX}")`, new BSON.ObjectId(HEX)],
  [` new ObjectId('${HEX}') `, new BSON.ObjectId(HEX)],
  [`UUID("${UUID}")`, new BSON.UUID(UUID).toBinary()],
  [`ISODate("2026-01-02T03:04:05Z")`, new Date("2026-01-02T03:04:05Z")],
  [`NumberLong("9007199254740993")`, BSON.Decimal128.fromString("9007199254740993")],
  ["NumberInt(7)", BSON.Decimal128.fromString("7")],
  [`"7"`, "7"],
];

for (const [typed, value] of MEANT) {
  Deno.test(`possibleIds() of ${typed} has what it means, and the text itself`, () => {
    const ids = possibleIds(typed);
    assert(has(ids, value), Deno.inspect(ids));
    assertEquals(ids[0], typed);
  });
}

Deno.test("possibleIds() of a call does not mean the text within it: a change must not meet another document", () => {
  for (const typed of [`ObjectId("${HEX}")`, "NumberInt(7)", `UUID("${UUID}")`]) {
    assertEquals(possibleIds(typed).filter((id) => typeof id === "string"), [typed]);
  }
});

/** What is typed, and a value that is near to it. */
const NEAR: [typed: string, value: unknown][] = [
  [`ObjectId("${HEX.toUpperCase()}")`, HEX],
  [`{"$oid": "${HEX}"}`, HEX],
  [`{"$numberInt": "7"}`, "7"],
  [` ${HEX} `, new BSON.ObjectId(HEX)],
  [`'abc'`, "abc"],
  ["ABC", "abc"],
  ["abc", "ABC"],
];

for (const [typed, value] of NEAR) {
  Deno.test(`otherIds() of ${typed} has ${Deno.inspect(value)}`, () => {
    const ids = otherIds(typed);
    assert(has(ids, value), Deno.inspect(ids));
  });
}
