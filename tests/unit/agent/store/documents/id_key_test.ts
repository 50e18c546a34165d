import { assertEquals, assertNotEquals } from "@std/assert";
import { BSON, Code } from "mongodb";
import { idKey } from "../../../../../agent/store/documents/id_key.ts";

/** As the driver reads it. */
const read = (id: unknown) => BSON.deserialize(BSON.serialize({ id })).id;

Deno.test("idKey() tells ids from one another that only look like values of the driver's", () => {
  const odd = (kind: unknown) => read(new Code("x", { _bsontype: kind }));
  assertEquals(idKey(odd(null)), idKey(odd(null)));
  assertNotEquals(idKey(odd(null)), idKey(odd(1)));
  assertNotEquals(idKey(odd(null)), idKey(read(new Code("x", {}))));
});

Deno.test("idKey() is the same for equal ids and no others", () => {
  const ids = [
    "1",
    1,
    new BSON.ObjectId("0123456789abcdef01234567"),
    null,
    { a: 1 },
    { a: "1" },
    new Date(5),
  ];
  const keys = ids.map((id) => idKey(read(id)));
  assertEquals(new Set(keys).size, ids.length);
  assertEquals(ids.map((id) => idKey(read(id))), keys);
});
