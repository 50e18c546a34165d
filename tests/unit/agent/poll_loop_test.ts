import { assert, assertEquals, assertGreaterOrEqual, assertLess, assertLessOrEqual } from "@std/assert";
import { Events } from "../../../agent/events.ts";
import { Ledger } from "../../../agent/ledger.ts";
import { MAX_HELD_BYTES, PollLoop, type PollLoopOptions } from "../../../agent/poll_loop.ts";
import type { Claim, LeasedDocument } from "../../../agent/ports.ts";
import { PauseController } from "../../../control/pause_controller.ts";
import { EventRecorder } from "../../support/event_recorder.ts";
import { FakeStore, NOTHING, TransientError } from "../../support/fake_store.ts";
import { ManualClock, settled } from "../../support/manual_clock.ts";

const POLL_MS = 5000;
const BATCH = 10;

/** A loop on a store in memory, whose documents a test does away with by hand. */
class Setup {
  readonly clock = new ManualClock();
  readonly store = new FakeStore(this.clock);
  readonly ledger = new Ledger();
  readonly gate = new PauseController();
  readonly recorder: EventRecorder;
  readonly processed: LeasedDocument[] = [];
  readonly released: LeasedDocument[] = [];
  readonly loop: PollLoop;
  readonly #claiming = new AbortController();

  constructor(options: Partial<PollLoopOptions> = {}) {
    const events = new Events();
    this.recorder = new EventRecorder(events);
    const { clock, gate, ledger, store } = this;
    const claimSignal = this.#claiming.signal;
    this.loop = new PollLoop({
      clock,
      events,
      ledger,
      store,
      gate: {
        get isOpen() {
          return gate.isOpen && !claimSignal.aborted;
        },
        waitOpen: (signal) => gate.waitOpen(signal),
        onChange: (listener) => gate.onChange(listener),
      },
      batchSize: BATCH,
      pollIntervalMs: POLL_MS,
      processTimeoutMs: 20_000,
      process: (documents) => this.processed.push(...documents),
      release: (documents) => this.released.push(...documents),
      onEmpty: () => {},
      ...options,
    });
  }

  get claims(): number {
    return this.store.callsOf("claim").length;
  }

  run(): Promise<void> {
    return this.loop.run(this.#claiming.signal);
  }

  /** Ends the loop and waits until it has. */
  async end(running: Promise<void>): Promise<void> {
    this.#claiming.abort();
    await running;
    assertEquals(this.clock.pending, 0, "no timer is left behind");
  }
}

Deno.test("PollLoop claims again at once after a full batch, and waits POLL_INTERVAL after another", async () => {
  const s = new Setup();
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
  const s = new Setup();
  const running = s.run();
  await s.clock.advance(10 * POLL_MS);
  assertEquals(s.claims, 11);
  await s.end(running);
});

Deno.test("PollLoop.wake() ends the wait, and is not lost while a claim is under way", async () => {
  const s = new Setup();
  const running = s.run();
  await settled();
  s.loop.wake();
  await settled();
  assertEquals(s.claims, 2);
  const { go, reached } = s.store.hold("claim");
  s.loop.wake();
  await reached.wait();
  s.loop.wake();
  go();
  await settled();
  assertEquals(s.claims, 4);
  assertEquals(s.clock.nextInMs, POLL_MS);
  await s.end(running);
});

Deno.test("PollLoop claims nothing while paused, and at once when resumed", async () => {
  const s = new Setup();
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
  const s = new Setup();
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
  const s = new Setup();
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
  const idle = new Setup();
  const idling = idle.run();
  await settled();
  await idle.end(idling);
  const paused = new Setup();
  paused.gate.pause("file");
  await paused.end(paused.run());
  const full = new Setup();
  full.store.insert(BATCH + 1);
  for (const document of (await full.store.claim({ documents: 11, bytes: 1 })).documents) {
    full.ledger.add(document);
  }
  const waiting = full.run();
  await full.recorder.next("progress", ({ stage }) => stage === "full");
  await full.end(waiting);
});

Deno.test("PollLoop releases the documents of a claim whose answer was lost when it ends", async () => {
  const s = new Setup();
  s.store.insert(2);
  s.store.fail("claim", new TransientError("connection reset"), { applied: true });
  const running = s.run();
  await s.recorder.next("claim_failed");
  await s.end(running);
  assertEquals(s.released.length, 2);
});

Deno.test("PollLoop ends without throwing where the database is out of reach", async () => {
  const s = new Setup();
  s.store.fail("claim", new TransientError());
  s.store.fail("recover", new TransientError());
  const running = s.run();
  await s.recorder.next("claim_failed");
  await s.end(running);
});

Deno.test("PollLoop backs off after failed claims, at random, further each time, up to about 5 s", async () => {
  const s = new Setup();
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
  s.store.fail("claim", new TransientError());
  await s.clock.advance(POLL_MS);
  assertLess((await s.recorder.next("claim_failed")).retryInMs, 750, "it starts over");
  await s.end(running);
});

Deno.test("PollLoop survives a claim that fails in a way nobody thought of", async () => {
  const s = new Setup();
  let isFirst = true;
  s.store.claim = () => {
    if (!isFirst) return Promise.resolve(NOTHING);
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
  const s = new Setup();
  const contended: Claim = { ...NOTHING, more: true, conflicts: 10 };
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

Deno.test("PollLoop claims only where a whole batch fits, and goes on when there is room again", async () => {
  const s = new Setup({ process: (documents) => documents.forEach((each) => s.ledger.add(each)) });
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
  const s = new Setup({ process: (documents) => documents.forEach((each) => s.ledger.add(each)) });
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
