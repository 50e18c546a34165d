import { assertEquals, assertInstanceOf, assertMatch } from "@std/assert";
import { LeaseLostError } from "../../../../agent/errors.ts";
import { Events } from "../../../../agent/events.ts";
import { LeaseKeeper } from "../../../../agent/leases/lease_keeper.ts";
import { RunCheckpoints } from "../../../../agent/leases/run_checkpoints.ts";
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

Deno.test("LeaseKeeper renews all that is held every third of the lease, in any state", async () => {
  const setup = new Setup();
  const [waiting, running, settling] = await setup.claim(3) as [Held, Held, Held];
  setup.ledger.start(running);
  setup.ledger.settling(settling);
  const ids = [waiting, running, settling].map(({ document }) => document.id);
  await setup.clock.advance(LEASE_MS / 3 - 1);
  assertEquals(setup.store.callsOf("renew"), []);
  await setup.clock.advance(1);
  assertEquals(setup.store.callsOf("renew"), [ids]);
  await setup.clock.advance(LEASE_MS * 10 - LEASE_MS / 3);
  assertEquals(setup.store.callsOf("renew").length, 30);
  const visibleAt = [...setup.store.documents.values()].map(({ visibleAtMs }) => visibleAtMs);
  assertEquals(visibleAt, [1, 1, 1].map(() => setup.clock.monotonicMs() + LEASE_MS));
});

Deno.test("LeaseKeeper renews each lease by its own age", async () => {
  const setup = new Setup();
  const [old] = await setup.claim(1) as [Held];
  await setup.clock.advance(LEASE_MS / 6);
  const [young] = await setup.claim(1) as [Held];
  await setup.clock.advance(LEASE_MS / 6);
  await setup.clock.advance(LEASE_MS / 6);
  assertEquals(setup.store.callsOf("renew"), [[old.document.id], [young.document.id]]);
});

Deno.test("LeaseKeeper leaves a document alone that is being written", async () => {
  const setup = new Setup();
  const [held, other] = await setup.claim(2) as [Held, Held];
  setup.ledger.startWrite(held);
  await setup.clock.advance(LEASE_MS / 3);
  assertEquals(setup.store.callsOf("renew"), [[other.document.id]]);
  setup.ledger.endWrite(held);
  await setup.clock.advance(LEASE_MS / 12);
  assertEquals(setup.store.callsOf("renew").at(-1), [held.document.id], "at the next look");
});

Deno.test("LeaseKeeper renews a document between two writes that fail, however soon the second one begins", async () => {
  const setup = new Setup();
  const [held] = await setup.claim(1) as [Held];
  setup.ledger.startWrite(held);
  await setup.clock.advance(LEASE_MS / 2);
  setup.keeper.renewDue();
  assertEquals(setup.store.callsOf("renew"), []);
  setup.ledger.endWrite(held);
  setup.keeper.renewDue();
  setup.ledger.startWrite(held);
  await setup.clock.advance(LEASE_MS / 2);
  assertEquals(setup.store.callsOf("renew"), [[held.document.id]]);
});

Deno.test("LeaseKeeper drops a lost lease and aborts its handler", async () => {
  const setup = new Setup();
  const [lost, kept] = await setup.claim(2) as [Held, Held];
  setup.ledger.start(lost);
  setup.ledger.start(kept);
  setup.store.steal(lost.document.id);
  await setup.clock.advance(LEASE_MS / 3);
  assertEquals(lost.abort.signal.aborted, true);
  assertInstanceOf(lost.abort.signal.reason, LeaseLostError);
  assertMatch(lost.abort.signal.reason.message, /no longer ours/);
  assertEquals(setup.ledger.all(), [kept]);
  assertEquals(kept.abort.signal.aborted, false);
  assertEquals(setup.recorder.of("lease_lost"), [
    { type: "lease_lost", documents: 1, ids: [lost.document.id], during: "renew" },
  ]);
});

Deno.test("LeaseKeeper does not take a lease for lost if the agent's own write has ended it meanwhile", async () => {
  const setup = new Setup();
  const [acked, removed] = await setup.claim(2) as [Held, Held];
  const { go, reached } = setup.store.hold("renew");
  await setup.clock.advance(LEASE_MS / 3);
  await reached.wait();
  setup.ledger.settling(acked);
  setup.store.steal(acked.document.id);
  setup.ledger.remove(removed);
  setup.store.steal(removed.document.id);
  go();
  await settled();
  assertEquals(setup.recorder.of("lease_lost"), []);
  assertEquals(acked.abort.signal.aborted, false);
  assertEquals(setup.ledger.all(), [acked], "its own write says what became of it");
});

Deno.test("LeaseKeeper retries a failed renewal at each of its four ticks per third of a lease", async () => {
  const setup = new Setup();
  const [held] = await setup.claim(1) as [Held];
  setup.store.fail("renew", new TransientError("no primary"), { times: 3 });
  await setup.clock.advance(LEASE_MS / 3 + 3 * LEASE_MS / 12);
  assertEquals(setup.store.callsOf("renew").length, 4);
  assertEquals(setup.recorder.of("renew_failed").map(({ documents }) => documents), [1, 1, 1]);
  assertEquals(held.document.leasedAtMs, setup.clock.monotonicMs());
});

Deno.test("LeaseKeeper sends one renewal at a time, however long it takes", async () => {
  const setup = new Setup();
  await setup.claim(1);
  const { go } = setup.store.hold("renew");
  await setup.clock.advance(LEASE_MS * 3);
  assertEquals(setup.store.callsOf("renew").length, 1);
  go();
  await setup.clock.advance(LEASE_MS / 3 + LEASE_MS / 12);
  assertEquals(setup.store.callsOf("renew").length, 2);
  assertEquals(setup.store.peak.renew, 1);
});

Deno.test("LeaseKeeper aborts a handler before the end of a lease that cannot be renewed, and goes on trying", async () => {
  const setup = new Setup();
  const [running, waiting] = await setup.claim(2) as [Held, Held];
  setup.ledger.start(running);
  setup.store.fail("renew", new TransientError(), { times: 1000 });
  await setup.clock.advance(LEASE_MS * 0.9 - 1);
  assertEquals(running.abort.signal.aborted, false);
  await setup.clock.advance(1);
  assertEquals(running.abort.signal.aborted, true);
  assertInstanceOf(running.abort.signal.reason, LeaseLostError);
  assertMatch(running.abort.signal.reason.message, /could not be renewed in time/);
  assertEquals(waiting.abort.signal.aborted, false, "it has no handler yet");
  const before = setup.store.callsOf("renew").length;
  await setup.clock.advance(LEASE_MS);
  assertEquals(setup.store.callsOf("renew").length, before + 12);
  assertEquals(setup.ledger.counts.documents, 2);
});

Deno.test("LeaseKeeper aborts each of several handlers at nine tenths of its own lease", async () => {
  const setup = new Setup();
  setup.store.fail("renew", new TransientError(), { times: 1000 });
  const stopped: number[] = [];
  const expected: number[] = [];
  for (const afterMs of [7, 1234, 3000, 4999]) {
    await setup.clock.advance(afterMs);
    const [held] = await setup.claim(1) as [Held];
    // A handler that starts late has the lease of its claim all the same.
    setup.clock.after(LEASE_MS * 0.88, () => setup.ledger.start(held));
    expected.push(setup.clock.monotonicMs() + LEASE_MS * 0.9);
    held.abort.signal.addEventListener("abort", () => stopped.push(setup.clock.monotonicMs()));
  }
  await setup.clock.advance(LEASE_MS);
  assertEquals(stopped, expected);
});

Deno.test("LeaseKeeper aborts handlers at once if the process was frozen past their leases", async () => {
  const setup = new Setup();
  const [held] = await setup.claim(1) as [Held];
  setup.ledger.start(held);
  setup.clock.skip(LEASE_MS * 5);
  await setup.clock.advance(0);
  assertEquals(held.abort.signal.aborted, true);
});

Deno.test("LeaseKeeper sends nothing to the database while nothing is held", async () => {
  const setup = new Setup();
  await setup.clock.advance(LEASE_MS * 10);
  assertEquals(setup.store.calls, []);
});

Deno.test("LeaseKeeper.stop() ends the renewals", async () => {
  const setup = new Setup();
  await setup.claim(1);
  await setup.clock.advance(LEASE_MS / 3);
  setup.keeper.stop();
  assertEquals(setup.clock.pending, 0);
  await setup.clock.advance(LEASE_MS * 3);
  assertEquals(setup.store.callsOf("renew").length, 1);
});

/** The run of a held document makes a checkpoint. */
function checkpoint(setup: Setup, { document }: Held, data: unknown): void {
  document.checkpoints ??= new RunCheckpoints(document.saved, () => {});
  document.checkpoints.add(data);
  setup.keeper.saveSoon();
}

Deno.test("LeaseKeeper writes new checkpoints together within a moment, and those that follow a second later", async () => {
  const setup = new Setup();
  const [a, b, c] = await setup.claim(3) as [Held, Held, Held];
  for (const held of [a, b, c]) setup.ledger.start(held);
  checkpoint(setup, a, 1);
  checkpoint(setup, b, 1);
  checkpoint(setup, a, 2);
  await setup.clock.advance(20);
  assertEquals(setup.store.callsOf("renew"), [[a.document.id, b.document.id]]);
  for (const data of [3, 4, 5]) {
    checkpoint(setup, a, data);
    await setup.clock.advance(300);
  }
  assertEquals(setup.store.callsOf("renew").length, 1, "one write a second");
  await setup.clock.advance(100);
  assertEquals(setup.store.callsOf("renew").slice(1), [[a.document.id]]);
  assertEquals(setup.store.documents.get(a.document.id)!.saved, { n: 5, data: 5 });
  await setup.clock.advance(5000);
  assertEquals(setup.store.callsOf("renew").length, 2, "nothing is written again");
});

Deno.test("LeaseKeeper writes a checkpoint that was made while another write was under way", async () => {
  const setup = new Setup();
  const [held] = await setup.claim(1) as [Held];
  setup.ledger.start(held);
  const { reached, go } = setup.store.hold("renew");
  checkpoint(setup, held, 1);
  await setup.clock.advance(20);
  await reached.wait();
  checkpoint(setup, held, 2);
  await setup.clock.advance(1000);
  assertEquals(setup.store.callsOf("renew").length, 1);
  go();
  await settled();
  await setup.clock.advance(1000);
  assertEquals(setup.store.documents.get(held.document.id)!.saved, { n: 2, data: 2 });
});

Deno.test("LeaseKeeper writes a checkpoint again after a failure, at its next look", async () => {
  const setup = new Setup();
  const [held] = await setup.claim(1) as [Held];
  setup.ledger.start(held);
  setup.store.fail("renew", new TransientError("no primary"));
  checkpoint(setup, held, 1);
  await setup.clock.advance(20);
  assertEquals(setup.recorder.of("renew_failed").length, 1);
  await setup.clock.advance(LEASE_MS / 12);
  assertEquals(setup.store.documents.get(held.document.id)!.saved, { n: 1, data: 1 });
});

Deno.test("LeaseKeeper loses a document whose checkpoint finds another holder", async () => {
  const setup = new Setup();
  const [held] = await setup.claim(1) as [Held];
  setup.ledger.start(held);
  setup.store.steal(held.document.id);
  checkpoint(setup, held, 1);
  await setup.clock.advance(20);
  assertInstanceOf(held.abort.reason, LeaseLostError);
  assertEquals([setup.ledger.isEmpty, setup.store.documents.get(held.document.id)!.saved], [true, undefined]);
});

Deno.test("LeaseKeeper writes no checkpoint once it is stopped", async () => {
  const setup = new Setup();
  const [held] = await setup.claim(1) as [Held];
  checkpoint(setup, held, 1);
  setup.keeper.stop();
  checkpoint(setup, held, 2);
  await setup.clock.advance(LEASE_MS);
  assertEquals([setup.store.callsOf("renew"), setup.clock.pending], [[], 0]);
});
