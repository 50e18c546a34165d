import { assertEquals, assertInstanceOf, assertMatch } from "@std/assert";
import { LeaseLostError } from "../../../../agent/errors.ts";
import { Events } from "../../../../agent/events.ts";
import { LeaseKeeper } from "../../../../agent/leases/lease_keeper.ts";
import { type Held, Ledger } from "../../../../agent/leases/ledger.ts";
import { EventRecorder } from "../../../support/event_recorder.ts";
import { FakeStore, TransientError } from "../../../support/fake_store.ts";
import { ManualClock, settled } from "../../../support/manual_clock.ts";

const LEASE_MS = 60_000;

/** A keeper on a store in memory; it has started. */
class Setup {
  readonly clock = new ManualClock();
  readonly store = new FakeStore(this.clock, LEASE_MS);
  readonly ledger = new Ledger();
  readonly recorder: EventRecorder;
  readonly keeper: LeaseKeeper;

  constructor() {
    const events = new Events();
    this.recorder = new EventRecorder(events);
    const { clock, ledger, store } = this;
    this.keeper = new LeaseKeeper({ clock, events, ledger, store, leaseMs: LEASE_MS });
    this.keeper.start();
  }

  async claim(count: number): Promise<Held[]> {
    this.store.insert(count);
    const { documents } = await this.store.claim({ documents: count, bytes: 1e9 });
    return documents.map((document) => this.ledger.add(document));
  }
}

Deno.test("LeaseKeeper renews all that is held every third of the lease, whatever state it is in", async () => {
  const s = new Setup();
  const [waiting, running, settling] = await s.claim(3) as [Held, Held, Held];
  s.ledger.start(running);
  s.ledger.settling(settling);
  const ids = [waiting, running, settling].map(({ document }) => document.id);
  await s.clock.advance(LEASE_MS / 3 - 1);
  assertEquals(s.store.callsOf("renew"), []);
  await s.clock.advance(1);
  assertEquals(s.store.callsOf("renew"), [ids]);
  await s.clock.advance(LEASE_MS * 10 - LEASE_MS / 3);
  assertEquals(s.store.callsOf("renew").length, 30);
  const visibleAt = [...s.store.documents.values()].map(({ visibleAtMs }) => visibleAtMs);
  assertEquals(visibleAt, [1, 1, 1].map(() => s.clock.monotonicMs() + LEASE_MS));
});

Deno.test("LeaseKeeper renews each lease by its own age", async () => {
  const s = new Setup();
  const [old] = await s.claim(1) as [Held];
  await s.clock.advance(LEASE_MS / 6);
  const [young] = await s.claim(1) as [Held];
  await s.clock.advance(LEASE_MS / 6);
  await s.clock.advance(LEASE_MS / 6);
  assertEquals(s.store.callsOf("renew"), [[old.document.id], [young.document.id]]);
});

Deno.test("LeaseKeeper leaves a document alone that is being written", async () => {
  const s = new Setup();
  const [held, other] = await s.claim(2) as [Held, Held];
  s.ledger.startWrite(held);
  await s.clock.advance(LEASE_MS / 3);
  assertEquals(s.store.callsOf("renew"), [[other.document.id]]);
  s.ledger.endWrite(held);
  await s.clock.advance(LEASE_MS / 12);
  assertEquals(s.store.callsOf("renew").at(-1), [held.document.id], "at the next look");
});

Deno.test("LeaseKeeper lets go of a lost lease and tells its handler to stop", async () => {
  const s = new Setup();
  const [lost, kept] = await s.claim(2) as [Held, Held];
  s.ledger.start(lost);
  s.ledger.start(kept);
  s.store.steal(lost.document.id);
  await s.clock.advance(LEASE_MS / 3);
  assertEquals(lost.abort.signal.aborted, true);
  assertInstanceOf(lost.abort.signal.reason, LeaseLostError);
  assertMatch(lost.abort.signal.reason.message, /no longer ours/);
  assertEquals(s.ledger.all(), [kept]);
  assertEquals(kept.abort.signal.aborted, false);
  assertEquals(s.recorder.of("lease_lost"), [
    { type: "lease_lost", documents: 1, ids: [lost.document.id], during: "renew" },
  ]);
});

Deno.test("LeaseKeeper takes no lease for lost that was ended by a write of our own meanwhile", async () => {
  const s = new Setup();
  const [acked, removed] = await s.claim(2) as [Held, Held];
  const { go, reached } = s.store.hold("renew");
  await s.clock.advance(LEASE_MS / 3);
  await reached.wait();
  s.ledger.settling(acked);
  s.store.steal(acked.document.id);
  s.ledger.remove(removed);
  s.store.steal(removed.document.id);
  go();
  await settled();
  assertEquals(s.recorder.of("lease_lost"), []);
  assertEquals(acked.abort.signal.aborted, false);
  assertEquals(s.ledger.all(), [acked], "its own write says what became of it");
});

Deno.test("LeaseKeeper tries a failed renewal again at once it looks, four times a third", async () => {
  const s = new Setup();
  const [held] = await s.claim(1) as [Held];
  s.store.fail("renew", new TransientError("no primary"), { times: 3 });
  await s.clock.advance(LEASE_MS / 3 + 3 * LEASE_MS / 12);
  assertEquals(s.store.callsOf("renew").length, 4);
  assertEquals(s.recorder.of("renew_failed").map(({ documents }) => documents), [1, 1, 1]);
  assertEquals(held.document.leasedAtMs, s.clock.monotonicMs());
});

Deno.test("LeaseKeeper sends one renewal at a time, however long it takes", async () => {
  const s = new Setup();
  await s.claim(1);
  const { go } = s.store.hold("renew");
  await s.clock.advance(LEASE_MS * 3);
  assertEquals(s.store.callsOf("renew").length, 1);
  go();
  await s.clock.advance(LEASE_MS / 3 + LEASE_MS / 12);
  assertEquals(s.store.callsOf("renew").length, 2);
  assertEquals(s.store.peak.renew, 1);
});

Deno.test("LeaseKeeper tells a handler to stop before a lease ends that cannot be renewed, and goes on trying", async () => {
  const s = new Setup();
  const [running, waiting] = await s.claim(2) as [Held, Held];
  s.ledger.start(running);
  s.store.fail("renew", new TransientError(), { times: 1000 });
  await s.clock.advance(LEASE_MS * 0.9 - 1);
  assertEquals(running.abort.signal.aborted, false);
  await s.clock.advance(1);
  assertEquals(running.abort.signal.aborted, true);
  assertInstanceOf(running.abort.signal.reason, LeaseLostError);
  assertMatch(running.abort.signal.reason.message, /could not be renewed in time/);
  assertEquals(waiting.abort.signal.aborted, false, "it has no handler yet");
  const before = s.store.callsOf("renew").length;
  await s.clock.advance(LEASE_MS);
  assertEquals(s.store.callsOf("renew").length, before + 12);
  assertEquals(s.ledger.counts.documents, 2);
});

Deno.test("LeaseKeeper tells each of several handlers to stop at nine tenths of its own lease", async () => {
  const s = new Setup();
  s.store.fail("renew", new TransientError(), { times: 1000 });
  const stopped: number[] = [];
  const expected: number[] = [];
  for (const afterMs of [7, 1234, 3000, 4999]) {
    await s.clock.advance(afterMs);
    const [held] = await s.claim(1) as [Held];
    // A handler that starts late has the lease of its claim all the same.
    s.clock.after(LEASE_MS * 0.88, () => s.ledger.start(held));
    expected.push(s.clock.monotonicMs() + LEASE_MS * 0.9);
    held.abort.signal.addEventListener("abort", () => stopped.push(s.clock.monotonicMs()));
  }
  await s.clock.advance(LEASE_MS);
  assertEquals(stopped, expected);
});

Deno.test("LeaseKeeper tells handlers to stop at once when the process was frozen past their leases", async () => {
  const s = new Setup();
  const [held] = await s.claim(1) as [Held];
  s.ledger.start(held);
  s.clock.skip(LEASE_MS * 5);
  await s.clock.advance(0);
  assertEquals(held.abort.signal.aborted, true);
});

Deno.test("LeaseKeeper asks the database for nothing while nothing is held", async () => {
  const s = new Setup();
  await s.clock.advance(LEASE_MS * 10);
  assertEquals(s.store.calls, []);
});

Deno.test("LeaseKeeper.stop() ends the renewals", async () => {
  const s = new Setup();
  await s.claim(1);
  await s.clock.advance(LEASE_MS / 3);
  s.keeper.stop();
  assertEquals(s.clock.pending, 0);
  await s.clock.advance(LEASE_MS * 3);
  assertEquals(s.store.callsOf("renew").length, 1);
});
