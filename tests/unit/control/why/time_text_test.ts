import { assertEquals } from "@std/assert";
import { durationText, untilText } from "../../../../control/why/time_text.ts";

Deno.test("durationText() has the two largest units", () => {
  const texts = [0, 999, 1000, 61_000, 3_600_000, 7_505_000, 90_061_000, 86_400_000 * 400].map(durationText);
  assertEquals(texts, ["0 ms", "999 ms", "1 s", "1 min 1 s", "1 h", "2 h 5 min", "1 d 1 h", "400 d"]);
});

Deno.test("untilText() tells a time to come from one that has passed", () => {
  const now = new Date(60_000);
  assertEquals(untilText(new Date(65_000), now), "1970-01-01T00:01:05.000Z (in 5 s)");
  assertEquals(untilText(new Date(0), now), "1970-01-01T00:00:00.000Z (1 min ago)");
});
