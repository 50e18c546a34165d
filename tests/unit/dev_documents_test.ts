import { assertEquals, assertThrows } from "@std/assert";
import { BSON } from "mongodb";
import { parseDocuments } from "../../agent/store/documents/json_documents.ts";
import { UserError } from "../../scripts/dev/user_error.ts";

const one = { a: new BSON.Int32(1), status: "pending" };

Deno.test("parseDocuments() takes an array, one document, and one document a line", () => {
  assertEquals(parseDocuments('[{"a":1},\n {"a":1}]', "f"), [one, one]);
  assertEquals(parseDocuments('{\n  "a": 1\n}\n', "f"), [one]);
  assertEquals(parseDocuments('{"a":1}\n\n{"a":1}\r\n', "f"), [one, one]);
  assertEquals(parseDocuments(" \n", "f"), []);
});

Deno.test("parseDocuments() keeps types, _id and a status that is there", () => {
  const id = "65a1f0c00000000000000001";
  const text =
    `{"_id":{"$oid":"${id}"},"big":5000000000,"at":{"$date":"2026-01-01T00:00:00Z"},"status":"mine"}`;
  assertEquals(parseDocuments(text, "f"), [
    {
      _id: new BSON.ObjectId(id),
      big: BSON.Long.fromNumber(5_000_000_000),
      at: new Date("2026-01-01"),
      status: "mine",
    },
  ]);
});

for (
  const [text, says] of [
    ['[\n{"a":1},\n{"a" 2}\n]', "f, line 3, is not JSON: Expected ':' after property name"],
    ['{"a":1}\n{"a":', "f, line 2, is not JSON: Unexpected end of JSON input"],
    ['[{"a":1}\n,{"a":x}]', "f, line 2, is not JSON: Unexpected token 'x'"],
    ['{"a":1}\n3', "f, line 2, is a number, not a document: write { ... }"],
    ['{"_id":1,\n "a":2,\n "b" 3\n}', "f, line 3, is not JSON: Expected ':' after property name"],
    ['{"_id":1, "a":\n {"b":2},\n "c":x}', "f, line 3, is not JSON: Unexpected token 'x'"],
    ['{"a":{\n  "b":1\n', "f, line 2, is not JSON"],
    ['{"_id":1,\n{"_id":2}', "f, line 1, is not JSON"],
    ['{"a":1}}\n{"a":2}', "f, line 1, is not JSON"],
    ["[[]]", "document 1 of f is an array, not a document: write { ... }"],
    ['{"a":1}\n{"_id":{"$oid":"zz"}}', "f, line 2, is not Extended JSON"],
  ] as const
) {
  Deno.test(`parseDocuments() says where the mistake is: ${JSON.stringify(text)}`, () => {
    assertThrows(() => parseDocuments(text, "f"), UserError, says);
  });
}
