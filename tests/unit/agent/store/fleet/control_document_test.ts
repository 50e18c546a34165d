import { assert, assertEquals } from "@std/assert";
import type { FleetControl } from "../../../../../agent/fleet/fleet_view.ts";
import { UnusableControl } from "../../../../../agent/fleet/unusable_control.ts";
import { controlIn } from "../../../../../agent/store/fleet/control_document.ts";

const AT = new Date(1e12);
/** The request in a document that holds one. */
function requestIn(document: Record<string, unknown>): FleetControl {
  const read = controlIn(document);
  assert(!(read instanceof UnusableControl), JSON.stringify(read));
  return read;
}

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
    const read = controlIn({ ...ASKED, ...fields });
    assert(read instanceof UnusableControl, JSON.stringify(fields));
    const [field] = Object.keys(fields);
    assert(read.problem.startsWith(`its ${field} is `) && read.problem.length < 150, read.problem);
  }
  const said = [{ state: "PAUSED" }, { state: "x\x1b[2J" }, { id: undefined }, { at: 1e12 }].map((fields) =>
    (controlIn({ ...ASKED, ...fields }) as UnusableControl).problem
  );
  assertEquals(said, [
    'its state is "PAUSED", and must be "running" or "paused"',
    'its state is "x [2J", and must be "running" or "paused"',
    "its id is missing, and must be a text of at most 100 characters, another one for each request",
    "its at is no such value, and must be a date",
  ]);
  const state = `mongodb://alice:${"s3cret-".repeat(10)}@db1`;
  const { problem } = controlIn({ ...ASKED, state }) as UnusableControl;
  assert(!problem.includes("s3cret"), problem);
});

Deno.test("controlIn() bounds texts that a user has written, and keeps what is no text or commands a terminal out", () => {
  const read = requestIn({ ...ASKED, by: "b".repeat(1e6), reason: `${"r".repeat(1e6)}` });
  assertEquals([read.by.length, read.reason!.length], [200, 1000]);
  const odd = requestIn({ ...ASKED, by: 7, reason: ["why"] });
  assertEquals([odd.by, odd.reason], ["", undefined]);
  const { reason } = requestIn({ ...ASKED, reason: "a\nb\x1b[2J" });
  assertEquals(["\n", "\x1b"].filter((character) => reason!.includes(character)), []);
});
