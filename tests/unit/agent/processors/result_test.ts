import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { PermanentError } from "../../../../agent/errors.ts";
import { fieldsToSet } from "../../../../agent/processors/result.ts";

for (
  const returned of [
    undefined,
    null,
    true,
    0,
    "set",
    [],
    {},
    { total: 3 },
    { set: undefined },
    { set: null },
    {
      set: {},
    },
    () => {},
  ]
) {
  Deno.test(`fieldsToSet() sets nothing where ${Deno.inspect(returned)} was returned`, () => {
    assertEquals(fieldsToSet(returned), undefined);
  });
}

Deno.test("fieldsToSet() returns the fields as they are, dotted ones included", () => {
  const set = { total: 3, "address.city": "Ulm", nested: { status: "fine", $odd: 1 } };
  assertEquals(fieldsToSet({ set, other: 1 }), set);
});

for (const set of [[], ["total"], "total", 3, true, () => {}, new Map([["total", 3]]), new Date(0)]) {
  Deno.test(`fieldsToSet() refuses ${Deno.inspect(set)} for set`, () => {
    const error = assertThrows(() => fieldsToSet({ set }), PermanentError);
    assertMatch(error.message, /"set" must be a plain object of fields/);
  });
}

for (const field of ["_id", "_pull", "status", "processed_at", "error"]) {
  Deno.test(`fieldsToSet() refuses the agent's own field ${field} and all below it`, () => {
    for (const name of [field, `${field}.x`, `${field}.`]) {
      const error = assertThrows(() => fieldsToSet({ set: { fine: 1, [name]: 1 } }), PermanentError);
      assertMatch(error.message, new RegExp(`the field "${field}" belongs to the agent`));
    }
  });
}

Deno.test("fieldsToSet() takes fields that only begin like the agent's own", () => {
  const set = { status_code: 200, errors: [], _ids: 1, "x.status": 1 };
  assertEquals(fieldsToSet({ set }), set);
});

for (const field of ["", ".", "a.", ".a", "a..b", "$set", "$", "a.$b", "a.$[]"]) {
  Deno.test(`fieldsToSet() refuses the field name "${field}"`, () => {
    const error = assertThrows(() => fieldsToSet({ set: { [field]: 1 } }), PermanentError);
    assertMatch(error.message, /is not a field name/);
  });
}
