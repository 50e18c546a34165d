import { assert, assertEquals } from "@std/assert";
import { BSON } from "mongodb";
import { documentText } from "../../../../../agent/store/documents/document_text.ts";

const LIMIT = 1_000_000;

Deno.test("documentText() shows the first fields of a document with a hundred thousand of them, and says that some are missing", () => {
  const fields = Array.from({ length: 100_000 }, (_, at): [string, unknown] => [`field ${at}`, at]);
  const { isCut, json } = documentText(BSON.serialize(Object.fromEntries(fields)), LIMIT);
  const shown = Object.entries(JSON.parse(json));
  assertEquals(shown, fields.slice(0, shown.length));
  assertEquals([isCut, shown.length], [true, 5000]);
});

Deno.test("documentText() names fields that are nearly as large as all that is shown, and renders two of them at most", () => {
  // Its text is larger than its bytes: it was rendered in vain.
  const list = Array.from({ length: 110_000 }, () => true);
  const document = Object.fromEntries(Array.from({ length: 15 }, (_, at) => [`list ${at}`, list]));
  const { isCut, json } = documentText(BSON.serialize({ ...document, last: 1 }), LIMIT);
  const shown = JSON.parse(json);
  assertEquals([isCut, Object.keys(shown).length, shown.last], [true, 16, 1]);
  assert(
    Object.values(shown).slice(0, 15).every((value) => /^\(\d+ bytes, not shown\)$/.test(String(value))),
  );
});
