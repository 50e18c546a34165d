import { assert, assertEquals } from "@std/assert";
import { ScanCursor } from "../../../../../agent/store/claims/scan_cursor.ts";

/** A lane whose random source always gives `random`, and ids of a batch of ten from `first` on. */
function setUp({ isById = true, random = 0.5 } = {}) {
  const clock = { ms: 0 };
  const lane = new ScanCursor({ isById, random: () => random, nowMs: () => clock.ms });
  const batch = (first: number, length = 10) => Array.from({ length }, (_, index) => first + index);
  return {
    lane,
    clock,
    met: (more = true) => lane.recordClaim({ ids: batch(0), conflicts: 3, hasMore: more }),
    claimed: (first: number, more = true) =>
      lane.recordClaim({ ids: batch(first), conflicts: 0, hasMore: more }),
  };
}

Deno.test("ScanCursor stays at the head for as long as nobody is in the way", () => {
  const { claimed, lane } = setUp();
  for (let first = 0; first < 1000; first += 10) {
    claimed(first);
    assertEquals([lane.place, lane.isAhead], [{}, false]);
  }
});

Deno.test("ScanCursor goes to a random place where somebody was faster, and follows the order from there", () => {
  const { claimed, lane, met } = setUp({ random: 0.5 });
  met();
  assertEquals([lane.place, lane.isAhead], [{ skip: 161 }, true]);
  claimed(500);
  assertEquals(lane.place, { after: 509 });
  claimed(510);
  assertEquals(lane.place, { after: 519 });
});

Deno.test("ScanCursor goes further the more often it meets somebody, within bounds", () => {
  const { lane, met } = setUp({ random: 0.999_999 });
  const skips: unknown[] = [];
  for (let meetings = 0; meetings < 5; meetings++) {
    met();
    skips.push(lane.place.skip);
  }
  assertEquals(skips, [320, 1280, 5120, 20_000, 20_000]);
});

Deno.test("ScanCursor comes nearer where nothing is left, and to the head in the end", () => {
  const { lane, met } = setUp({ random: 0 });
  met();
  const places: unknown[] = [];
  for (let looks = 0; lane.isAhead; looks++) {
    assert(looks < 10, "it comes to the head");
    lane.recordEmpty();
    places.push(lane.place);
  }
  assertEquals(places, [{ skip: 1 }, { skip: 1 }, { skip: 1 }, { skip: 1 }, {}]);
});

Deno.test("ScanCursor returns to the head at the end of the order", () => {
  const { claimed, lane, met } = setUp();
  met();
  claimed(500);
  claimed(510, false);
  assertEquals(lane.place, {});
  met();
  claimed(500);
  lane.recordEmpty();
  assertEquals(lane.place, {});
});

Deno.test("ScanCursor goes nowhere where the batch was the last", () => {
  const { lane, met } = setUp();
  met(false);
  assertEquals(lane.place, {});
});

Deno.test("ScanCursor returns to the head after a while, so that what waits there is not left to others for ever", () => {
  const { claimed, lane, met } = setUp();
  for (let turn = 0; turn < 2; turn++) {
    met();
    let claims = 0;
    for (lane.begin(); lane.isAhead; lane.begin()) claimed(500 + claims++ * 10);
    assertEquals(claims, 64);
  }
});

Deno.test("ScanCursor returns to the head though it meets somebody each time", () => {
  const { lane, met } = setUp();
  met();
  let claims = 0;
  for (lane.begin(); lane.isAhead; lane.begin(), claims++) met();
  assertEquals(claims, 64);
});

Deno.test("ScanCursor returns to the head after five seconds, however few its claims were", () => {
  const { claimed, clock, lane, met } = setUp();
  clock.ms = 5_000;
  met();
  clock.ms = 9_999;
  lane.begin();
  assert(lane.isAhead);
  claimed(500);
  met();
  clock.ms = 10_000;
  lane.begin();
  assertEquals(lane.place, {});
});

Deno.test("ScanCursor returns to the head where its place cannot be read, and stays nearer the next time", () => {
  const { lane, met } = setUp({ random: 0.999_999 });
  met();
  met();
  lane.failed();
  assertEquals(lane.place, {});
  met();
  assertEquals(lane.place, { skip: 320 });
});

Deno.test("ScanCursor takes another random place each time where the order is not that of the ids", () => {
  const { claimed, lane, met } = setUp({ isById: false, random: 0.25 });
  met();
  assertEquals(lane.place, { skip: 81 });
  claimed(500);
  assertEquals(lane.place, { skip: 81 });
});
