import { assertEquals } from "@std/assert";
import { controlIn } from "../../../../../agent/store/fleet/control_document.ts";

const AT = new Date(1e12);
const ASKED = { id: "1", state: "paused", by: "alice", reason: "why", at: AT };

Deno.test("controlIn() takes no document for a request that says anything else than running or paused, and when", () => {
  assertEquals(controlIn(ASKED), { ...ASKED, state: "paused" });
  const odd = [
    ...["PAUSED", "pause", "", true, 1, null, ["paused"], { paused: true }, undefined].map((state) => ({
      state,
    })),
    ...[7, null, undefined, ["1"], "1".repeat(101)].map((id) => ({ id })),
    ...["2026-01-01", 1e12, null, undefined, new Date(NaN)].map((at) => ({ at })),
  ];
  for (const fields of odd) {
    assertEquals(controlIn({ ...ASKED, ...fields }), undefined, JSON.stringify(fields));
  }
  assertEquals(controlIn({}), undefined);
});

Deno.test("controlIn() bounds texts that a user has written, and keeps what is no text or commands a terminal out", () => {
  const read = controlIn({ ...ASKED, by: "b".repeat(1e6), reason: `${"r".repeat(1e6)}` });
  assertEquals([read!.by.length, read!.reason!.length], [200, 1000]);
  const odd = controlIn({ ...ASKED, by: 7, reason: ["why"] });
  assertEquals([odd?.by, odd?.reason], ["", undefined]);
  const { reason } = controlIn({ ...ASKED, reason: "a\nb\x1b[2J" })!;
  assertEquals(["\n", "\x1b"].filter((character) => reason!.includes(character)), []);
});
