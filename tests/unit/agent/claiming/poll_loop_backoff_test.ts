import { NOTHING_CLAIMED } from "../../../../agent/ports.ts";
import { assert, assertEquals, assertGreaterOrEqual, assertLess, assertLessOrEqual } from "@std/assert";
import type { Claim } from "../../../../agent/ports.ts";
import { TransientError } from "../../../support/fake_store.ts";
import { settled } from "../../../support/manual_clock.ts";
import { POLL_MS, PollLoopHarness } from "../../../support/poll_loop_harness.ts";

Deno.test("PollLoop backs off after failed claims, at random, further each time, up to about 5 s", async () => {
  const s = new PollLoopHarness();
  s.store.fail("claim", new TransientError("no primary"), { times: 30 });
  const running = s.run();
  for (let failure = 1; failure <= 30; failure++) {
    const { error, retryInMs } = await s.recorder.next("claim_failed");
    assert(error instanceof TransientError);
    assertGreaterOrEqual(retryInMs, 250);
    assertLess(retryInMs, 250 + Math.min(5000, 500 * 2 ** (failure - 1)));
    await settled();
    assertEquals(s.clock.nextInMs, retryInMs);
    await s.clock.advance(retryInMs);
  }
  assertEquals(s.clock.nextInMs, POLL_MS, "all is well again");
  for (let round = 0; round < 10; round++) {
    s.store.fail("claim", new TransientError());
    await s.clock.advance(POLL_MS);
    const { retryInMs } = await s.recorder.next("claim_failed");
    assertLess(retryInMs, 750, "it starts over");
    await s.clock.advance(retryInMs);
  }
  await s.end(running);
});

Deno.test("PollLoop survives a claim that fails in a way nobody thought of", async () => {
  const s = new PollLoopHarness();
  let isFirst = true;
  s.store.claim = () => {
    if (!isFirst) return Promise.resolve(NOTHING_CLAIMED);
    isFirst = false;
    throw new TypeError("undefined is not a function");
  };
  const running = s.run();
  await s.recorder.next("claim_failed");
  await s.clock.advance(1000);
  await s.recorder.next("claimed");
  await s.end(running);
});

Deno.test("PollLoop steps aside for a random moment where others win every document", async () => {
  const s = new PollLoopHarness();
  const contended: Claim = { ...NOTHING_CLAIMED, hasMore: true, conflicts: 10 };
  s.store.claim = () => Promise.resolve(contended);
  const running = s.run();
  const waits: number[] = [];
  for (let claim = 1; claim <= 40; claim++) {
    await s.recorder.next("claimed");
    await settled();
    const waitMs = s.clock.nextInMs!;
    assertGreaterOrEqual(waitMs, 1);
    assertLessOrEqual(waitMs, 1 + Math.min(1000, 5 * 2 ** (claim - 1)));
    waits.push(waitMs);
    await s.clock.advance(waitMs);
  }
  assert(new Set(waits).size > 10, "at random");
  await s.end(running);
});

Deno.test("PollLoop steps aside for a millisecond at the least, so that it never spins", async () => {
  const s = new PollLoopHarness({ random: () => 0 });
  s.store.claim = () => Promise.resolve({ ...NOTHING_CLAIMED, hasMore: true, conflicts: 10 });
  const running = s.run();
  await s.recorder.next("claimed");
  await settled();
  assertEquals(s.clock.nextInMs, 1);
  await s.end(running);
});
