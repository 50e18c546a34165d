import { assertEquals } from "@std/assert";
import type { LeftAlone } from "../../../../agent/events.ts";
import { type Claim, NOTHING_CLAIMED } from "../../../../agent/ports.ts";
import { settled } from "../../../support/manual_clock.ts";
import { POLL_MS, PollLoopSetup } from "../../../support/poll_loop_setup.ts";

const HELD_UP: Claim = { ...NOTHING_CLAIMED, heldUp: { retryInMs: 250, error: new Error("E11000") } };
/** Takes note of what claims bring, and does nothing about it. */
const DECIDES_NOTHING = { claimed() {}, claimFailed() {}, foundNothing: () => Promise.resolve() };
const GROUP: LeftAlone = { documents: 3, isMore: false, example: "a", reason: "no date" };

Deno.test("PollLoop tries again what is held up when the store says so, and as soon as a document is settled", async () => {
  let empty = 0;
  const setup = new PollLoopSetup({
    untilEmpty: { ...DECIDES_NOTHING, foundNothing: () => Promise.resolve(void (empty += 1)) },
  });
  let claims = 0;
  setup.store.claim = () => (claims += 1, Promise.resolve(claims < 4 ? HELD_UP : NOTHING_CLAIMED));
  const running = setup.run();
  await settled();
  assertEquals([claims, setup.clock.nextInMs], [1, 251]);
  await setup.clock.advance(251);
  assertEquals(claims, 2);
  setup.settleOne();
  await settled();
  assertEquals([claims, empty], [3, 0]);
  await setup.clock.advance(251);
  assertEquals([claims, empty, setup.clock.nextInMs], [4, 1, POLL_MS]);
  // Nothing is held up any more: what is settled is none of its business.
  setup.settleOne();
  await settled();
  assertEquals(claims, 4);
  await setup.end(running);
});

Deno.test("PollLoop reports documents that are left alone, and goes on if the look for them fails", async () => {
  const setup = new PollLoopSetup();
  const looks: (() => Promise<readonly LeftAlone[] | undefined>)[] = [
    () => Promise.resolve([GROUP]),
    () => Promise.reject(new Error("too slow")),
    () => Promise.resolve(undefined),
  ];
  setup.store.leftAlone = () => (looks.shift() ?? (() => Promise.resolve(undefined)))();
  const running = setup.run();
  assertEquals((await setup.recorder.next("left_alone")).groups, [GROUP]);
  for (let round = 0; round < 2; round++) {
    await settled();
    await setup.clock.advance(POLL_MS);
  }
  assertEquals([setup.claims, looks.length], [3, 0]);
  await setup.end(running);
});

Deno.test("PollLoop does not take a collection for empty in which suspects are left", async () => {
  let empty = 0;
  const setup = new PollLoopSetup({
    untilEmpty: { ...DECIDES_NOTHING, foundNothing: () => Promise.resolve(void (empty += 1)) },
  });
  let claims = 0;
  setup.store.claim = () => (claims += 1, Promise.resolve({ ...NOTHING_CLAIMED, hasSuspects: claims < 3 }));
  setup.store.claimSuspect = () => Promise.resolve(NOTHING_CLAIMED);
  const running = setup.run();
  for (let claim = 1; claim < 3; claim++) {
    await settled();
    assertEquals(empty, 0);
    await setup.clock.advance(setup.clock.nextInMs!);
  }
  assertEquals([claims, empty], [3, 1]);
  await setup.end(running);
});
