import { assert, assertEquals } from "@std/assert";
import { ScanCursor } from "../../../../../agent/store/claims/scan_cursor.ts";
import { ManualClock } from "../../../../support/manual_clock.ts";

/** A cursor whose random source always gives `random`, and ids of a batch of ten from `first` on. */
function setUp({ isById = true, random = 0.5 } = {}) {
  const clock = new ManualClock(0);
  const cursor = new ScanCursor({ clock, isById, random: () => random });
  const batch = (first: number, length = 10) => Array.from({ length }, (_, index) => first + index);
  return {
    cursor,
    clock,
    met: (more = true) => cursor.recordClaim({ ids: batch(0), conflicts: 3, hasMore: more }),
    claimed: (first: number, more = true) =>
      cursor.recordClaim({ ids: batch(first), conflicts: 0, hasMore: more }),
  };
}

Deno.test("ScanCursor stays at the head for as long as no other agent is faster", () => {
  const { claimed, cursor } = setUp();
  for (let first = 0; first < 1000; first += 10) {
    claimed(first);
    assertEquals([cursor.start, cursor.isAhead], [{}, false]);
  }
});

Deno.test("ScanCursor jumps to a random place if another agent was faster, and follows the order from there", () => {
  const { claimed, cursor, met } = setUp({ random: 0.5 });
  met();
  assertEquals([cursor.start, cursor.isAhead], [{ skip: 161 }, true]);
  claimed(500);
  assertEquals(cursor.start, { after: 509 });
  claimed(510);
  assertEquals(cursor.start, { after: 519 });
});

Deno.test("ScanCursor goes further the more often it meets another agent, within bounds", () => {
  const { cursor, met } = setUp({ random: 0.999_999 });
  const skips: unknown[] = [];
  for (let meetings = 0; meetings < 5; meetings++) {
    met();
    skips.push(cursor.start.skip);
  }
  assertEquals(skips, [320, 1280, 5120, 20_000, 20_000]);
});

Deno.test("ScanCursor comes nearer if nothing is left, and to the head in the end", () => {
  const { cursor, met } = setUp({ random: 0 });
  met();
  const places: unknown[] = [];
  for (let looks = 0; cursor.isAhead; looks++) {
    assert(looks < 10, "it comes to the head");
    cursor.recordEmpty();
    places.push(cursor.start);
  }
  assertEquals(places, [{ skip: 1 }, { skip: 1 }, { skip: 1 }, { skip: 1 }, {}]);
});

Deno.test("ScanCursor returns to the head at the end of the order", () => {
  const { claimed, cursor, met } = setUp();
  met();
  claimed(500);
  claimed(510, false);
  assertEquals(cursor.start, {});
  met();
  claimed(500);
  cursor.recordEmpty();
  assertEquals(cursor.start, {});
});

Deno.test("ScanCursor does not move if the batch was the last", () => {
  const { cursor, met } = setUp();
  met(false);
  assertEquals(cursor.start, {});
});

Deno.test("ScanCursor returns to the head after a while, so that documents there do not wait forever", () => {
  const { claimed, cursor, met } = setUp();
  for (let turn = 0; turn < 2; turn++) {
    met();
    let claims = 0;
    for (cursor.begin(); cursor.isAhead; cursor.begin()) claimed(500 + claims++ * 10);
    assertEquals(claims, 64);
  }
});

Deno.test("ScanCursor returns to the head though it meets another agent each time", () => {
  const { cursor, met } = setUp();
  met();
  let claims = 0;
  for (cursor.begin(); cursor.isAhead; cursor.begin(), claims++) met();
  assertEquals(claims, 64);
});

Deno.test("ScanCursor returns to the head after five seconds, however few its claims were", () => {
  const { claimed, clock, cursor, met } = setUp();
  clock.skip(5000);
  met();
  clock.skip(4999);
  cursor.begin();
  assert(cursor.isAhead);
  claimed(500);
  met();
  clock.skip(1);
  cursor.begin();
  assertEquals(cursor.start, {});
});

Deno.test("ScanCursor returns to the head if its place cannot be read, and stays nearer the next time", () => {
  const { cursor, met } = setUp({ random: 0.999_999 });
  met();
  met();
  cursor.recordFailure();
  assertEquals(cursor.start, {});
  met();
  assertEquals(cursor.start, { skip: 320 });
});

Deno.test("ScanCursor takes another random place each time if the order is not that of the ids", () => {
  const { claimed, cursor, met } = setUp({ isById: false, random: 0.25 });
  met();
  assertEquals(cursor.start, { skip: 81 });
  claimed(500);
  assertEquals(cursor.start, { skip: 81 });
});

Deno.test("ScanCursor jumps far if it is told to, and comes nearer if nothing is there", () => {
  const { cursor } = setUp({ random: 0.999_999 });
  cursor.jumpFar();
  const skips: unknown[] = [cursor.start.skip];
  while (cursor.isAhead) {
    cursor.recordEmpty();
    skips.push(cursor.start.skip);
  }
  assertEquals(skips, [20_000, 5000, 1250, 312, 78, 19, 4, 1, undefined]);
  cursor.jumpFar();
  assertEquals(cursor.start.skip, 20_000);
});

Deno.test("ScanCursor jumps less far each time that reading there fails, and stays at the head in the end", () => {
  const { cursor } = setUp({ random: 0.999_999 });
  const skips: unknown[] = [];
  for (let failures = 0; failures < 6; failures++) {
    cursor.jumpFar();
    skips.push(cursor.start.skip);
    cursor.recordFailure();
  }
  assertEquals(skips, [20_000, 1250, 78, 4, undefined, undefined]);
});
