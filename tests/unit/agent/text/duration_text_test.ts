import { assertEquals } from "@std/assert";
import { durationText, pastText } from "../../../../agent/text/duration_text.ts";

Deno.test("durationText() has the two largest units", () => {
  const texts = [0, 999, 1000, 61_000, 3_600_000, 7_505_000, 90_061_000, 86_400_000 * 400].map(durationText);
  assertEquals(texts, ["0 ms", "999 ms", "1 s", "1 min 1 s", "1 h", "2 h 5 min", "1 d 1 h", "400 d"]);
});

Deno.test("pastText() says when it was and how long ago, with the date if that is not clear, and never fails", () => {
  const now = new Date("2026-03-02T14:08:01Z");
  const cases = {
    "2026-03-02T12:03:01.250Z": "12:03:01 UTC, 2 h 4 min ago",
    "2026-03-01T23:00:00Z": "23:00:00 UTC, 15 h 8 min ago",
    "2026-03-01T12:03:01.000Z": "2026-03-01 12:03:01 UTC, 1 d 2 h ago",
    "2026-03-02T14:08:00.900Z": "14:08:00 UTC, 1 s ago",
    // A clock that was set.
    "2026-03-02T15:00:00Z": "15:00:00 UTC, 1 s ago",
    "yesterday": "yesterday",
  };
  for (const [time, text] of Object.entries(cases)) assertEquals(pastText(time, now), text);
});
