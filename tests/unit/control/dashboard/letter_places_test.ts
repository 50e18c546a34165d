import { assert, assertEquals, assertThrows } from "@std/assert";
import type { LetterPlace } from "../../../../agent/store/dead_letters/letter_pages.ts";
import { LetterPlaces } from "../../../../control/dashboard/letter_places.ts";
import { Refusal } from "../../../../control/dashboard/refusal.ts";

const behind = (id: unknown, passed: readonly string[] = []): LetterPlace => ({
  after: { id },
  passed: new Set(passed),
});

Deno.test("LetterPlaces names a place by its key, and by a short text if that is long or some letters have none", () => {
  const places = new LetterPlaces();
  assertEquals([places.textOf(behind(7)), places.textOf(behind("a"))], ['{"$numberInt":"7"}', '"a"']);
  assertEquals(new LetterPlaces().placeOf('"a"'), behind("a"));
  for (
    const place of [behind("y".repeat(2_000_000)), behind("a", ["b"]), { ...behind(1), after: undefined }]
  ) {
    const text = places.textOf(place);
    assert(text.length < 100, text);
    assertEquals(places.placeOf(text), place);
    assertThrows(() => new LetterPlaces().placeOf(text), Refusal, "show the letters anew");
  }
  assertThrows(() => places.placeOf("{"), Refusal, "after must be what a page of letters has as next");
});

Deno.test("LetterPlaces keeps the last places, so many and so large", () => {
  const places = new LetterPlaces();
  const small = Array.from({ length: 501 }, (_, at) => places.textOf(behind(at, ["passed"])));
  assertThrows(() => places.placeOf(small[0]!), Refusal);
  assertEquals(places.placeOf(small[1]!), behind(1, ["passed"]));
  const large = Array.from({ length: 3 }, (_, at) => places.textOf(behind(`${at}${"y".repeat(7_000_000)}`)));
  for (const text of [...small, large[0]!]) assertThrows(() => places.placeOf(text), Refusal);
  assertEquals(large.slice(1).map((text) => String(places.placeOf(text).after!.id)[0]), ["1", "2"]);
  const huge = places.textOf(behind("y".repeat(20_000_000)));
  assertEquals(String(places.placeOf(huge).after!.id).length, 20_000_000);
});
