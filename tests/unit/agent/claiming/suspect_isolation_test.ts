import { assertEquals, assertRejects } from "@std/assert";
import { ClaimPace } from "../../../../agent/claiming/claim_pace.ts";
import { DrainingGate } from "../../../../agent/claiming/draining_gate.ts";
import { Intake } from "../../../../agent/claiming/intake.ts";
import { LoopProgress } from "../../../../agent/claiming/loop_progress.ts";
import { SuspectIsolation } from "../../../../agent/claiming/suspect_isolation.ts";
import { Standstill } from "../../../../agent/claiming/standstill.ts";
import { Events } from "../../../../agent/events.ts";
import { Ledger } from "../../../../agent/leases/ledger.ts";
import type { LeasedDocument } from "../../../../agent/ports.ts";
import { PauseController } from "../../../../control/pause_controller.ts";
import { fakeDocument } from "../../../support/fake_document.ts";
import { FakeStore, TransientError } from "../../../support/fake_store.ts";
import { ManualClock, settled } from "../../../support/manual_clock.ts";

/** A suspect that was taken over twice. */
const SUSPECT = { status: "pending", takeovers: 2 } as const;

/** An agent that has nothing but suspects to work on, each for `runMs`. */
class Setup {
  readonly clock = new ManualClock();
  readonly gate = new PauseController();
  readonly ledger = new Ledger();
  readonly store = new FakeStore(this.clock);
  readonly claiming = new AbortController();
  readonly pool = {
    leftBehind: 0,
    add: (documents: readonly LeasedDocument[]) => this.#run(documents),
    release: (documents: readonly LeasedDocument[]) => void this.released.push(...documents),
  };
  readonly released: LeasedDocument[] = [];
  /** Documents that were held at once, at most. */
  together = 0;
  runMs = 300;

  constructor(suspects: number) {
    this.store.insert(suspects, SUSPECT);
  }

  get claims(): number {
    return this.store.callsOf("claimSuspect").length;
  }

  take(): Promise<boolean> {
    const { clock, ledger, pool, store } = this;
    const gate = new DrainingGate(this.gate, this.claiming.signal);
    const events = new Events();
    const intake = new Intake({ clock, events, gate, pool, store });
    const progress = new LoopProgress({ clock, events, processTimeoutMs: 1000 });
    const settler = { releaseDoubted: () => false };
    const isolation = new SuspectIsolation({
      clock,
      gate,
      intake,
      standstill: new Standstill({ clock, ledger, leaseMs: 60_000 }),
      ledger,
      pace: new ClaimPace({ ledger, progress }),
      pool,
      progress,
      settler,
    });
    return isolation.run(this.claiming.signal);
  }

  #run(documents: readonly LeasedDocument[]): void {
    for (const document of documents) {
      const held = this.ledger.add(document);
      this.together = Math.max(this.together, this.ledger.counts.documents);
      this.clock.after(this.runMs, () => this.ledger.remove(held));
    }
  }
}

Deno.test("SuspectIsolation runs suspects one by one for a second, then others get their turn", async () => {
  const s = new Setup(10);
  const taking = s.take();
  await s.clock.advance(1199);
  assertEquals([s.claims, s.together], [4, 1]);
  await s.clock.advance(1);
  assertEquals([await taking, s.claims], [true, 4]);
});

Deno.test("SuspectIsolation gives a suspect that takes longer than its turn the time that it needs, and claims no other", async () => {
  const s = new Setup(10);
  s.runMs = 60_000;
  const taking = s.take();
  await s.clock.advance(60_000);
  assertEquals([await taking, s.claims, s.ledger.isEmpty], [true, 1, true]);
});

Deno.test("SuspectIsolation ends its turn if no suspect is left", async () => {
  const s = new Setup(2);
  const taking = s.take();
  await s.clock.advance(600);
  assertEquals([await taking, s.claims], [true, 3]);
  assertEquals(await s.take(), false);
});

Deno.test("SuspectIsolation claims none until nothing else is held", async () => {
  const s = new Setup(1);
  const held = s.ledger.add(fakeDocument());
  const taking = s.take();
  await settled();
  assertEquals(s.claims, 0);
  s.ledger.remove(held);
  await s.clock.advance(s.runMs);
  assertEquals([await taking, s.together], [true, 1]);
});

Deno.test("SuspectIsolation claims none while paused, draining, beside a handler left behind, or if all that is held is in doubt", async () => {
  const paused = new Setup(1);
  paused.gate.pause("signal");
  const draining = new Setup(1);
  draining.ledger.add(fakeDocument());
  draining.claiming.abort();
  const company = new Setup(1);
  company.pool.leftBehind = 1;
  const doubted = new Setup(1);
  doubted.ledger.doubt(doubted.ledger.add(fakeDocument()));
  for (const s of [paused, draining, company, doubted]) assertEquals([await s.take(), s.claims], [false, 0]);
});

Deno.test("SuspectIsolation stops waiting for a suspect when the agent drains, and leaves it to the drain", async () => {
  const s = new Setup(2);
  const taking = s.take();
  await settled();
  s.claiming.abort();
  assertEquals([await taking, s.claims, s.ledger.counts.documents], [true, 1, 1]);
});

Deno.test("SuspectIsolation passes on what a claim throws", async () => {
  const s = new Setup(1);
  s.store.fail("claimSuspect", new TransientError());
  await assertRejects(() => s.take(), TransientError);
});
