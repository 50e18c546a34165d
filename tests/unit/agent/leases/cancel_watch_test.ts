import { assertEquals, assertInstanceOf } from "@std/assert";
import { CanceledError, isInterruption } from "../../../../agent/errors.ts";
import { Events } from "../../../../agent/events.ts";
import { CancelWatch } from "../../../../agent/leases/cancel_watch.ts";
import { LeaseKeeper } from "../../../../agent/leases/lease_keeper.ts";
import { type Held, Ledger } from "../../../../agent/leases/ledger.ts";
import { EventRecorder } from "../../../support/event_recorder.ts";
import { FakeStore, TransientError } from "../../../support/fake_store.ts";
import { ManualClock, settled } from "../../../support/manual_clock.ts";

const LEASE_MS = 60_000;
const TICK_MS = 400;

/** A watch on a store in memory; it has started. */
class Setup {
  readonly clock = new ManualClock();
  readonly store = new FakeStore(this.clock, LEASE_MS);
  readonly ledger = new Ledger();
  readonly events = new Events();
  readonly recorder = new EventRecorder(this.events);
  readonly watch: CancelWatch;

  constructor() {
    const { clock, events, ledger, store } = this;
    this.watch = new CancelWatch({ clock, events, ledger, store });
    this.watch.start();
  }

  /** Claims documents, and starts the handlers of the first ones. */
  async claim(count: number, started = count): Promise<Held[]> {
    this.store.insert(count);
    const { documents } = await this.store.claim({ documents: count, bytes: 1e9 });
    const held = documents.map((document) => this.ledger.add(document));
    for (const each of held.slice(0, started)) this.ledger.start(each);
    return held;
  }

  cancel({ document }: Held): void {
    Object.assign(this.store.documents.get(document.id)!, { status: "canceled", token: undefined });
  }

  get asked(): unknown[][] {
    return this.store.callsOf("canceled");
  }
}

Deno.test("CancelWatch asks for documents whose handlers have run through a tick, and for no others", async () => {
  const setup = new Setup();
  await setup.clock.advance(10 * TICK_MS);
  assertEquals(setup.asked, []);
  const [long, short, waiting] = await setup.claim(3, 2) as [Held, Held, Held];
  await setup.clock.advance(TICK_MS);
  setup.ledger.remove(short);
  assertEquals(setup.asked, []);
  await setup.clock.advance(TICK_MS);
  assertEquals(setup.asked, [[long.document.id]]);
  setup.ledger.settling(long);
  await setup.clock.advance(5 * TICK_MS);
  assertEquals([setup.asked.length, setup.ledger.has(waiting)], [1, true]);
});

Deno.test("CancelWatch asks for at most 1000 documents at a time, which take turns, and waits for an answer before it asks again", async () => {
  const setup = new Setup();
  const held = await setup.claim(2001);
  await setup.clock.advance(4 * TICK_MS);
  assertEquals(setup.asked.map(({ length }) => length), [1000, 1000, 1]);
  assertEquals(new Set(setup.asked.flat()).size, 2001);
  setup.cancel(held[1500]!);
  const { reached, go } = setup.store.hold("canceled");
  await setup.clock.advance(TICK_MS);
  await reached.wait();
  await setup.clock.advance(10 * TICK_MS);
  assertEquals(setup.asked.length, 4);
  go();
  await settled();
  assertEquals([setup.asked.length, held[1500]!.abort.aborted], [4, false]);
  await setup.clock.advance(TICK_MS);
  assertEquals([setup.asked.length, held[1500]!.abort.aborted], [5, true]);
});

Deno.test("CancelWatch aborts the handler of a canceled document with a reason that says so, and leaves the others alone", async () => {
  const setup = new Setup();
  const [canceled, other] = await setup.claim(2) as [Held, Held];
  setup.cancel(canceled);
  await setup.clock.advance(2 * TICK_MS);
  assertInstanceOf(canceled.abort.reason, CanceledError);
  assertEquals([canceled.abort.signal.aborted, isInterruption(canceled.abort.reason)], [true, true]);
  assertEquals([setup.ledger.has(canceled), setup.ledger.has(other), other.abort.aborted], [
    false,
    true,
    false,
  ]);
  assertEquals(setup.recorder.of("canceled"), [{
    type: "canceled",
    documents: 1,
    ids: [canceled.document.id],
  }]);
});

Deno.test("CancelWatch asks nothing while a stream reports cancellations, then at once for all that is held, and a while longer", async () => {
  const setup = new Setup();
  setup.watch.isTold = true;
  const [running, waiting] = await setup.claim(2, 1) as [Held, Held];
  // What was canceled before it was told may have been missed.
  await setup.clock.advance(10 * TICK_MS);
  const before = setup.asked.length;
  await setup.clock.advance(100 * TICK_MS);
  assertEquals(setup.asked.length, before);
  setup.cancel(waiting);
  setup.watch.look();
  await settled();
  assertEquals(setup.asked.slice(before), [[running.document.id, waiting.document.id]]);
  assertEquals([setup.ledger.has(waiting), waiting.abort.aborted], [false, true]);
  // A claim that was under way brings the document only now.
  const [late] = await setup.claim(1) as [Held];
  setup.cancel(late);
  await setup.clock.advance(3 * TICK_MS);
  assertEquals(late.abort.aborted, true);
  await setup.clock.advance(10 * TICK_MS);
  const after = setup.asked.length;
  await setup.clock.advance(100 * TICK_MS);
  assertEquals(setup.asked.length, after);
  setup.watch.isTold = false;
  await setup.clock.advance(3 * TICK_MS);
  assertEquals(setup.asked.length > after, true);
});

Deno.test("CancelWatch looks once more if a cancellation comes while it looks, and survives a database that is out of reach", async () => {
  const setup = new Setup();
  const [held] = await setup.claim(1) as [Held];
  setup.store.fail("canceled", new TransientError("no primary"));
  setup.watch.look();
  await settled();
  assertEquals(setup.recorder.all, []);
  const { reached, go } = setup.store.hold("canceled");
  setup.watch.look();
  await reached.wait();
  const [another] = await setup.claim(1) as [Held];
  setup.cancel(another);
  setup.watch.look();
  setup.watch.look();
  assertEquals(setup.asked.length, 2);
  go();
  await settled();
  assertEquals([setup.asked.length, held.abort.aborted, another.abort.aborted], [3, false, true]);
  setup.watch.stop();
  await setup.claim(1);
  await setup.clock.advance(10 * TICK_MS);
  setup.watch.look();
  assertEquals(setup.asked.length, 3);
});

Deno.test("CancelWatch lets a document be that is settled while it looks", async () => {
  const setup = new Setup();
  const [held] = await setup.claim(1) as [Held];
  setup.cancel(held);
  const { reached, go } = setup.store.hold("canceled");
  setup.watch.look();
  await reached.wait();
  setup.ledger.settling(held);
  go();
  await settled();
  assertEquals([setup.recorder.of("canceled"), held.abort.aborted], [[], false]);
});

Deno.test("LeaseKeeper tells a canceled document from one whose lease was lost otherwise", async () => {
  const setup = new Setup();
  setup.watch.stop();
  const { clock, events, ledger, store } = setup;
  const keeper = new LeaseKeeper({ clock, events, ledger, store, leaseMs: LEASE_MS });
  keeper.start();
  const [canceled, lost] = await setup.claim(2) as [Held, Held];
  setup.cancel(canceled);
  Object.assign(store.documents.get(lost.document.id)!, { token: "another" });
  await clock.advance(LEASE_MS / 3);
  assertEquals(
    [canceled, lost].map(({ abort }) => (abort.reason as Error).name),
    ["CanceledError", "LeaseLostError"],
  );
  assertEquals(setup.recorder.all.map(({ type }) => type), ["canceled", "lease_lost"]);
  keeper.stop();
});

Deno.test("LeaseKeeper aborts the handler of a lost lease soon, even if MongoDB does not say why it is lost", async () => {
  const setup = new Setup();
  setup.watch.stop();
  const { clock, events, ledger, store } = setup;
  const keeper = new LeaseKeeper({ clock, events, ledger, store, leaseMs: LEASE_MS });
  keeper.start();
  const [lost, kept] = await setup.claim(2) as [Held, Held];
  Object.assign(store.documents.get(lost.document.id)!, { token: "another" });
  const { go } = store.hold("canceled");
  await clock.advance(LEASE_MS / 3 + 250);
  assertEquals((lost.abort.reason as Error).name, "LeaseLostError");
  await clock.advance(LEASE_MS / 3);
  assertEquals(store.callsOf("renew").at(-1), [kept.document.id], "renewals go on");
  go();
  await settled();
  assertEquals(setup.recorder.all.map(({ type }) => type), ["lease_lost"]);
  keeper.stop();
});
