import { assert, assertEquals } from "@std/assert";
import { MAX_HELD_BYTES } from "../../../../agent/claiming/capacity.ts";
import { TransientError } from "../../../support/fake_store.ts";
import { settled } from "../../../support/manual_clock.ts";
import { BATCH, POLL_MS, PollLoopHarness } from "../../../support/poll_loop_harness.ts";

Deno.test("PollLoop claims again at once after a full batch, and waits POLL_INTERVAL after another", async () => {
  const s = new PollLoopHarness();
  s.store.insert(2 * BATCH + 3);
  const running = s.run();
  await settled();
  assertEquals(s.claims, 3);
  assertEquals(s.processed.length, 23);
  assertEquals(s.clock.nextInMs, POLL_MS);
  await s.clock.advance(POLL_MS - 1);
  assertEquals(s.claims, 3);
  await s.clock.advance(1);
  assertEquals(s.claims, 4);
  await s.end(running);
});

Deno.test("PollLoop waits POLL_INTERVAL where there is nothing to claim", async () => {
  const s = new PollLoopHarness();
  const running = s.run();
  await s.clock.advance(10 * POLL_MS);
  assertEquals(s.claims, 11);
  await s.end(running);
});

Deno.test("PollLoop.wake() ends the wait, and is not lost while a claim is under way", async () => {
  const s = new PollLoopHarness();
  const running = s.run();
  await settled();
  s.wakeup.wake();
  await settled();
  assertEquals(s.claims, 2);
  const { go, reached } = s.store.hold("claim");
  s.wakeup.wake();
  await reached.wait();
  s.wakeup.wake();
  go();
  await settled();
  assertEquals(s.claims, 4);
  assertEquals(s.clock.nextInMs, POLL_MS);
  await s.end(running);
});

Deno.test("PollLoop claims nothing while paused, and at once when resumed", async () => {
  const s = new PollLoopHarness();
  s.gate.pause("signal");
  s.store.insert(1);
  const running = s.run();
  await s.clock.advance(100 * POLL_MS);
  assertEquals(s.claims, 0);
  s.gate.resume("signal");
  await settled();
  assertEquals(s.processed.length, 1);
  await s.end(running);
});

Deno.test("PollLoop releases what a claim brings after a pause", async () => {
  const s = new PollLoopHarness();
  s.store.insert(3);
  const { go, reached } = s.store.hold("claim");
  const running = s.run();
  await reached.wait();
  s.gate.pause("file");
  go();
  await settled();
  assertEquals([s.processed.length, s.released.length], [0, 3]);
  await s.end(running);
});

Deno.test("PollLoop brings a claim to its end when it drains, and releases what that brings", async () => {
  const s = new PollLoopHarness();
  s.store.insert(3);
  const { go, reached } = s.store.hold("claim");
  let isOver = false;
  const running = s.run().then(() => {
    isOver = true;
  });
  await reached.wait();
  const ended = s.end(running);
  await settled();
  assertEquals(isOver, false);
  go();
  await ended;
  assertEquals([s.processed.length, s.released.length], [0, 3]);
});

Deno.test("PollLoop ends at once while it is idle, paused or full", async () => {
  const idle = new PollLoopHarness();
  const idling = idle.run();
  await settled();
  await idle.end(idling);
  const paused = new PollLoopHarness();
  paused.gate.pause("file");
  await paused.end(paused.run());
  const full = new PollLoopHarness();
  full.store.insert(BATCH + 1);
  for (const document of (await full.store.claim({ documents: 11, bytes: 1e9 })).documents) {
    full.ledger.add(document);
  }
  const waiting = full.run();
  await full.recorder.next("progress", ({ stage }) => stage === "full");
  await full.end(waiting);
});

Deno.test("PollLoop releases the documents of a claim whose answer was lost when it ends", async () => {
  const s = new PollLoopHarness();
  s.store.insert(2);
  s.store.fail("claim", new TransientError("connection reset"), { applied: true });
  const running = s.run();
  await s.recorder.next("claim_failed");
  await s.end(running);
  assertEquals(s.released.length, 2);
});

Deno.test("PollLoop ends without throwing where the database is out of reach", async () => {
  const s = new PollLoopHarness();
  s.store.fail("claim", new TransientError());
  s.store.fail("recover", new TransientError());
  const running = s.run();
  await s.recorder.next("claim_failed");
  await s.end(running);
});

Deno.test("PollLoop claims only where a whole batch fits, and goes on when there is room again", async () => {
  const s = new PollLoopHarness();
  s.pool.add = (documents) => documents.forEach((each) => s.ledger.add(each));
  s.store.insert(5 * BATCH);
  const running = s.run();
  await settled();
  assertEquals(s.ledger.counts.documents, 2 * BATCH);
  await s.clock.advance(100 * POLL_MS);
  assertEquals(s.claims, 2);
  for (const held of s.ledger.all().slice(0, BATCH - 1)) s.ledger.remove(held);
  await settled();
  assertEquals(s.claims, 2);
  s.ledger.remove(s.ledger.all()[0]!);
  await settled();
  assertEquals(s.claims, 3);
  await s.end(running);
});

Deno.test("PollLoop never lets claims bring more bytes than may be held", async () => {
  const s = new PollLoopHarness();
  s.pool.add = (documents) => documents.forEach((each) => s.ledger.add(each));
  s.store.insert(2, { sizeBytes: MAX_HELD_BYTES / 4 });
  s.store.insert(3, { sizeBytes: 1 });
  const limits: number[] = [];
  const claim = s.store.claim.bind(s.store);
  s.store.claim = (limit) => {
    limits.push(limit.bytes + s.ledger.counts.bytes);
    return claim({ ...limit, documents: 1 });
  };
  const running = s.run();
  await settled();
  assertEquals(s.ledger.counts.documents, 3, "half of the bytes are free until the third document");
  assert(limits.every((bytes) => bytes <= MAX_HELD_BYTES));
  await s.end(running);
});
