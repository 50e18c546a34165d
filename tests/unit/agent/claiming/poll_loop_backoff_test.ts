import { NOTHING_CLAIMED } from "../../../../agent/ports.ts";
import { assert, assertEquals, assertGreaterOrEqual, assertLess, assertLessOrEqual } from "@std/assert";
import type { Claim } from "../../../../agent/ports.ts";
import { TransientError } from "../../../support/fake_store.ts";
import { settled } from "../../../support/manual_clock.ts";
import { POLL_MS, PollLoopSetup } from "../../../support/poll_loop_setup.ts";

Deno.test("PollLoop backs off after failed claims, at random, further each time, up to about 5 s", async () => {
  const setup = new PollLoopSetup();
  setup.store.fail("claim", new TransientError("no primary"), { times: 30 });
  const running = setup.run();
  for (let failure = 1; failure <= 30; failure++) {
    const { error, retryInMs } = await setup.recorder.next("claim_failed");
    assert(error instanceof TransientError);
    assertGreaterOrEqual(retryInMs, 250);
    assertLess(retryInMs, 250 + Math.min(5000, 500 * 2 ** (failure - 1)));
    await settled();
    assertEquals(setup.clock.nextInMs, retryInMs);
    await setup.clock.advance(retryInMs);
  }
  assertEquals(setup.clock.nextInMs, POLL_MS, "all is well again");
  for (let round = 0; round < 10; round++) {
    setup.store.fail("claim", new TransientError());
    await setup.clock.advance(POLL_MS);
    const { retryInMs } = await setup.recorder.next("claim_failed");
    assertLess(retryInMs, 750, "it starts over");
    await setup.clock.advance(retryInMs);
  }
  await setup.end(running);
});

Deno.test("PollLoop survives a claim that fails with an unknown error", async () => {
  const setup = new PollLoopSetup();
  let isFirst = true;
  setup.store.claim = () => {
    if (!isFirst) return Promise.resolve(NOTHING_CLAIMED);
    isFirst = false;
    throw new TypeError("undefined is not a function");
  };
  const running = setup.run();
  await setup.recorder.next("claim_failed");
  await setup.clock.advance(1000);
  await setup.recorder.next("claimed");
  await setup.end(running);
});

Deno.test("PollLoop waits a short random time if other agents win every document", async () => {
  const setup = new PollLoopSetup();
  const contended: Claim = { ...NOTHING_CLAIMED, hasMore: true, conflicts: 10 };
  setup.store.claim = () => Promise.resolve(contended);
  const running = setup.run();
  const waits: number[] = [];
  for (let claim = 1; claim <= 40; claim++) {
    await setup.recorder.next("claimed");
    await settled();
    const waitMs = setup.clock.nextInMs!;
    assertGreaterOrEqual(waitMs, 1);
    assertLessOrEqual(waitMs, 1 + Math.min(1000, 5 * 2 ** (claim - 1)));
    waits.push(waitMs);
    await setup.clock.advance(waitMs);
  }
  assert(new Set(waits).size > 10, "at random");
  await setup.end(running);
});

Deno.test("PollLoop waits at least a millisecond then, so that it never spins", async () => {
  const setup = new PollLoopSetup({ random: () => 0 });
  setup.store.claim = () => Promise.resolve({ ...NOTHING_CLAIMED, hasMore: true, conflicts: 10 });
  const running = setup.run();
  await setup.recorder.next("claimed");
  await settled();
  assertEquals(setup.clock.nextInMs, 1);
  await setup.end(running);
});
