import { assertEquals } from "@std/assert";
import type { LeftAlone } from "../../../../agent/events.ts";
import { type Claim, NOTHING_CLAIMED } from "../../../../agent/ports.ts";
import { settled } from "../../../support/manual_clock.ts";
import { POLL_MS, PollLoopHarness } from "../../../support/poll_loop_harness.ts";

const HELD_UP: Claim = { ...NOTHING_CLAIMED, heldUp: { retryInMs: 250, error: new Error("E11000") } };
/** Takes note of what claims bring, and does nothing about it. */
const DECIDES_NOTHING = { claimed() {}, claimFailed() {}, foundNothing: () => Promise.resolve() };
const GROUP: LeftAlone = { documents: 3, isMore: false, example: "a", reason: "no date" };

Deno.test("PollLoop tries again what is held up when the store says so, and as soon as a document is settled", async () => {
  let empty = 0;
  const s = new PollLoopHarness({
    untilEmpty: { ...DECIDES_NOTHING, foundNothing: () => Promise.resolve(void (empty += 1)) },
  });
  let claims = 0;
  s.store.claim = () => (claims += 1, Promise.resolve(claims < 4 ? HELD_UP : NOTHING_CLAIMED));
  const running = s.run();
  await settled();
  assertEquals([claims, s.clock.nextInMs], [1, 251]);
  await s.clock.advance(251);
  assertEquals(claims, 2);
  s.settleOne();
  await settled();
  assertEquals([claims, empty], [3, 0]);
  await s.clock.advance(251);
  assertEquals([claims, empty, s.clock.nextInMs], [4, 1, POLL_MS]);
  // Nothing is held up any more: what is settled is none of its business.
  s.settleOne();
  await settled();
  assertEquals(claims, 4);
  await s.end(running);
});

Deno.test("PollLoop tells of what is left alone, and goes on where it cannot be looked for", async () => {
  const s = new PollLoopHarness();
  const looks: (() => Promise<readonly LeftAlone[] | undefined>)[] = [
    () => Promise.resolve([GROUP]),
    () => Promise.reject(new Error("too slow")),
    () => Promise.resolve(undefined),
  ];
  s.store.leftAlone = () => (looks.shift() ?? (() => Promise.resolve(undefined)))();
  const running = s.run();
  assertEquals((await s.recorder.next("left_alone")).groups, [GROUP]);
  for (let round = 0; round < 2; round++) {
    await settled();
    await s.clock.advance(POLL_MS);
  }
  assertEquals([s.claims, looks.length], [3, 0]);
  await s.end(running);
});

Deno.test("PollLoop does not take a collection for empty in which suspects are left", async () => {
  let empty = 0;
  const s = new PollLoopHarness({
    untilEmpty: { ...DECIDES_NOTHING, foundNothing: () => Promise.resolve(void (empty += 1)) },
  });
  let claims = 0;
  s.store.claim = () => (claims += 1, Promise.resolve({ ...NOTHING_CLAIMED, hasSuspects: claims < 3 }));
  s.store.claimSuspect = () => Promise.resolve(NOTHING_CLAIMED);
  const running = s.run();
  for (let claim = 1; claim < 3; claim++) {
    await settled();
    assertEquals(empty, 0);
    await s.clock.advance(s.clock.nextInMs!);
  }
  assertEquals([claims, empty], [3, 1]);
  await s.end(running);
});
