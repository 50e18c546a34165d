import { assertEquals } from "@std/assert";
import { untilText } from "../../../../control/why/time_text.ts";

Deno.test("untilText() tells a time to come from one that has passed", () => {
  const now = new Date(60_000);
  assertEquals(untilText(new Date(65_000), now), "1970-01-01T00:01:05.000Z (in 5 s)");
  assertEquals(untilText(new Date(0), now), "1970-01-01T00:00:00.000Z (1 min ago)");
});
