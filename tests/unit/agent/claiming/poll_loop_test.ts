import { assert, assertEquals } from "@std/assert";
import { MAX_HELD_BYTES } from "../../../../agent/claiming/capacity.ts";
import { TransientError } from "../../../support/fake_store.ts";
import { settled } from "../../../support/manual_clock.ts";
import { BATCH, POLL_MS, PollLoopSetup } from "../../../support/poll_loop_setup.ts";

Deno.test("PollLoop claims again at once after a full batch, and waits POLL_INTERVAL after another", async () => {
  const setup = new PollLoopSetup();
  setup.store.insert(2 * BATCH + 3);
  const running = setup.run();
  await settled();
  assertEquals(setup.claims, 3);
  assertEquals(setup.processed.length, 23);
  assertEquals(setup.clock.nextInMs, POLL_MS);
  await setup.clock.advance(POLL_MS - 1);
  assertEquals(setup.claims, 3);
  await setup.clock.advance(1);
  assertEquals(setup.claims, 4);
  await setup.end(running);
});

Deno.test("PollLoop waits POLL_INTERVAL if there is nothing to claim", async () => {
  const setup = new PollLoopSetup();
  const running = setup.run();
  await setup.clock.advance(10 * POLL_MS);
  assertEquals(setup.claims, 11);
  await setup.end(running);
});

Deno.test("PollLoop.wake() ends the wait, and is not lost while a claim is under way", async () => {
  const setup = new PollLoopSetup();
  const running = setup.run();
  await settled();
  setup.wakeup.wake();
  await settled();
  assertEquals(setup.claims, 2);
  const { go, reached } = setup.store.hold("claim");
  setup.wakeup.wake();
  await reached.wait();
  setup.wakeup.wake();
  go();
  await settled();
  assertEquals(setup.claims, 4);
  assertEquals(setup.clock.nextInMs, POLL_MS);
  await setup.end(running);
});

Deno.test("PollLoop claims nothing while paused, and at once when resumed", async () => {
  const setup = new PollLoopSetup();
  setup.gate.pause("signal");
  setup.store.insert(1);
  const running = setup.run();
  await setup.clock.advance(100 * POLL_MS);
  assertEquals(setup.claims, 0);
  setup.gate.resume("signal");
  await settled();
  assertEquals(setup.processed.length, 1);
  await setup.end(running);
});

Deno.test("PollLoop releases what a claim brings after a pause", async () => {
  const setup = new PollLoopSetup();
  setup.store.insert(3);
  const { go, reached } = setup.store.hold("claim");
  const running = setup.run();
  await reached.wait();
  setup.gate.pause("file");
  go();
  await settled();
  assertEquals([setup.processed.length, setup.released.length], [0, 3]);
  await setup.end(running);
});

Deno.test("PollLoop brings a claim to its end when it drains, and releases what that brings", async () => {
  const setup = new PollLoopSetup();
  setup.store.insert(3);
  const { go, reached } = setup.store.hold("claim");
  let isOver = false;
  const running = setup.run().then(() => {
    isOver = true;
  });
  await reached.wait();
  const ended = setup.end(running);
  await settled();
  assertEquals(isOver, false);
  go();
  await ended;
  assertEquals([setup.processed.length, setup.released.length], [0, 3]);
});

Deno.test("PollLoop ends at once while it is idle, paused or full", async () => {
  const idle = new PollLoopSetup();
  const idling = idle.run();
  await settled();
  await idle.end(idling);
  const paused = new PollLoopSetup();
  paused.gate.pause("file");
  await paused.end(paused.run());
  const full = new PollLoopSetup();
  full.store.insert(BATCH + 1);
  for (const document of (await full.store.claim({ documents: 11, bytes: 1e9 })).documents) {
    full.ledger.add(document);
  }
  const waiting = full.run();
  await full.recorder.next("progress", ({ stage }) => stage === "full");
  await full.end(waiting);
});

Deno.test("PollLoop releases the documents of a claim whose answer was lost when it ends", async () => {
  const setup = new PollLoopSetup();
  setup.store.insert(2);
  setup.store.fail("claim", new TransientError("connection reset"), { applied: true });
  const running = setup.run();
  await setup.recorder.next("claim_failed");
  await setup.end(running);
  assertEquals(setup.released.length, 2);
});

Deno.test("PollLoop ends without throwing if the database is out of reach", async () => {
  const setup = new PollLoopSetup();
  setup.store.fail("claim", new TransientError());
  setup.store.fail("recover", new TransientError());
  const running = setup.run();
  await setup.recorder.next("claim_failed");
  await setup.end(running);
});

Deno.test("PollLoop claims only if a whole batch fits, and goes on when there is room again", async () => {
  const setup = new PollLoopSetup();
  setup.pool.add = (documents) => documents.forEach((each) => setup.ledger.add(each));
  setup.store.insert(5 * BATCH);
  const running = setup.run();
  await settled();
  assertEquals(setup.ledger.counts.documents, 2 * BATCH);
  await setup.clock.advance(100 * POLL_MS);
  assertEquals(setup.claims, 2);
  for (const held of setup.ledger.all().slice(0, BATCH - 1)) setup.ledger.remove(held);
  await settled();
  assertEquals(setup.claims, 2);
  setup.ledger.remove(setup.ledger.all()[0]!);
  await settled();
  assertEquals(setup.claims, 3);
  await setup.end(running);
});

Deno.test("PollLoop never lets claims bring more bytes than may be held", async () => {
  const setup = new PollLoopSetup();
  setup.pool.add = (documents) => documents.forEach((each) => setup.ledger.add(each));
  setup.store.insert(2, { sizeBytes: MAX_HELD_BYTES / 4 });
  setup.store.insert(3, { sizeBytes: 1 });
  const limits: number[] = [];
  const claim = setup.store.claim.bind(setup.store);
  setup.store.claim = (limit) => {
    limits.push(limit.bytes + setup.ledger.counts.bytes);
    return claim({ ...limit, documents: 1 });
  };
  const running = setup.run();
  await settled();
  assertEquals(setup.ledger.counts.documents, 3, "half of the bytes are free until the third document");
  assert(limits.every((bytes) => bytes <= MAX_HELD_BYTES));
  await setup.end(running);
});
