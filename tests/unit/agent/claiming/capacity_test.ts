import { CLOSED_BREAKER } from "../../../support/closed_breaker.ts";
import { assertEquals } from "@std/assert";
import { ClaimCapacity, MAX_HELD_BYTES } from "../../../../agent/claiming/capacity.ts";
import { FixedBatchSize } from "../../../../agent/claiming/batch_size.ts";
import { ClaimPace } from "../../../../agent/claiming/claim_pace.ts";
import { DrainingGate } from "../../../../agent/claiming/draining_gate.ts";
import { LoopProgress } from "../../../../agent/claiming/loop_progress.ts";
import { Standstill } from "../../../../agent/claiming/standstill.ts";
import { Events } from "../../../../agent/events.ts";
import { type Held, Ledger } from "../../../../agent/leases/ledger.ts";
import { PauseController } from "../../../../control/pause_controller.ts";
import { MAX_HELD_RESULT_BYTES } from "../../../../agent/settling/result_capacity.ts";
import { fakeDocument } from "../../../support/fake_document.ts";
import { ManualClock } from "../../../support/manual_clock.ts";

const BATCH = 10;
const LEASE_MS = 30_000;

class Setup {
  readonly clock = new ManualClock();
  readonly ledger = new Ledger();
  readonly gate = new PauseController();
  readonly stop = new AbortController();
  readonly #capacity: ClaimCapacity;

  constructor() {
    const { clock, ledger } = this;
    const progress = new LoopProgress({ clock, events: new Events(), processTimeoutMs: 1000 });
    this.#capacity = new ClaimCapacity({
      breaker: CLOSED_BREAKER,
      clock,
      gate: new DrainingGate(this.gate, this.stop.signal),
      ledger,
      pool: { leftBehind: 0 },
      pace: new ClaimPace({ ledger, progress }),
      progress,
      batchSize: new FixedBatchSize(BATCH),
      concurrency: 4,
      standstill: new Standstill({ clock, ledger, leaseMs: LEASE_MS }),
    });
  }

  add(count: number, sizeBytes: number): Held[] {
    return Array.from({ length: count }, () => this.ledger.add(fakeDocument({ sizeBytes })));
  }

  /** Claims for as long as it may; `claimed` is given what each claim brings. */
  async run(sizeBytes: number, claimed: (documents: Held[]) => void): Promise<void> {
    for (;;) {
      const limit = await this.#capacity.wait();
      if (!limit) return;
      claimed(this.add(limit.documents, sizeBytes));
    }
  }

  /** What may be claimed now; undefined if the loop has to wait. */
  async now(): Promise<number | undefined> {
    const [limit] = await Promise.all([
      this.#capacity.wait(),
      Promise.resolve().then(() => this.stop.abort()),
    ]);
    return limit?.documents;
  }
}

for (
  const { held, sizeBytes, doubted, may } of [
    { held: BATCH, sizeBytes: 100, doubted: 0, may: true },
    { held: BATCH + 1, sizeBytes: 100, doubted: 0, may: false },
    { held: BATCH + 1, sizeBytes: 100, doubted: 1, may: true },
    { held: 2 * BATCH, sizeBytes: 100, doubted: BATCH, may: true },
    // What is in doubt makes room for one batch, and not for two.
    { held: 2 * BATCH + 1, sizeBytes: 100, doubted: 2 * BATCH + 1, may: false },
    { held: 2, sizeBytes: MAX_HELD_BYTES / 3, doubted: 0, may: false },
    { held: 2, sizeBytes: MAX_HELD_BYTES / 3, doubted: 2, may: true },
    { held: 4, sizeBytes: MAX_HELD_BYTES / 3, doubted: 4, may: false },
  ]
) {
  const says = may ? "lets the loop claim" : "holds the loop back";
  Deno.test(`ClaimCapacity ${says} with ${held} documents of ${sizeBytes} bytes, ${doubted} of them in doubt`, async () => {
    const setup = new Setup();
    const all = setup.add(held, sizeBytes);
    for (const each of all.slice(0, doubted)) setup.ledger.doubt(each);
    assertEquals(await setup.now(), may ? BATCH : undefined);
  });
}

Deno.test("ClaimCapacity lets the loop claim while results in doubt are larger than what may be held otherwise", async () => {
  const setup = new Setup();
  for (const held of setup.add(4, 100)) {
    setup.ledger.weigh(held, 10 * 1024 * 1024);
    setup.ledger.doubt(held);
  }
  assertEquals(await setup.now(), BATCH);
});

Deno.test("ClaimCapacity lets one batch more be claimed for each lease in which nothing but documents in doubt is held", async () => {
  const s = new Setup();
  const run = s.run(100, (documents) => documents.forEach((each) => s.ledger.doubt(each)));
  await s.clock.advance(LEASE_MS - 1);
  assertEquals(s.ledger.counts.documents, 3 * BATCH);
  for (let batches = 4; batches <= 50; batches++) {
    await s.clock.advance(1);
    assertEquals(s.ledger.counts.documents, batches * BATCH);
    await s.clock.advance(LEASE_MS - 1);
    assertEquals(s.ledger.counts.documents, batches * BATCH);
  }
  s.stop.abort();
  await run;
  assertEquals(s.clock.pending, 0);
});

Deno.test("ClaimCapacity keeps to its bound of bytes however long nothing but documents in doubt is held", async () => {
  const s = new Setup();
  const sizeBytes = 1024 * 1024;
  const run = s.run(sizeBytes, (documents) => documents.forEach((each) => s.ledger.doubt(each)));
  await s.clock.advance(50 * LEASE_MS);
  // Their 96 MiB, what may be held beside them, and the claim that the last room was for.
  const most = MAX_HELD_RESULT_BYTES + MAX_HELD_BYTES / 2 + BATCH * sizeBytes;
  assertEquals(s.ledger.counts.bytes <= most, true);
  assertEquals(s.ledger.counts.bytes > most - BATCH * sizeBytes, true);
  s.stop.abort();
  await run;
});

Deno.test("ClaimCapacity holds the loop back as long as a document that is not in doubt is held, or one leaves within each lease", async () => {
  const s = new Setup();
  const all = s.add(4 * BATCH, 100);
  for (const each of all.slice(1)) s.ledger.doubt(each);
  let claims = 0;
  const run = s.run(100, () => claims++);
  await s.clock.advance(10 * LEASE_MS);
  assertEquals(claims, 0);
  s.ledger.doubt(all[0]!);
  for (const each of all.slice(0, BATCH)) {
    await s.clock.advance(LEASE_MS - 1);
    s.ledger.remove(each);
  }
  assertEquals(claims, 0);
  await s.clock.advance(LEASE_MS);
  assertEquals(claims, 1);
  s.stop.abort();
  await run;
});

Deno.test("ClaimCapacity lets documents in doubt make room for one batch again once few are in doubt", async () => {
  const s = new Setup();
  let isRefused = true;
  const run = s.run(100, (documents) => {
    if (isRefused) { for (const each of documents) s.ledger.doubt(each); }
  });
  await s.clock.advance(5 * LEASE_MS);
  assertEquals(s.ledger.counts.documents, 8 * BATCH);
  isRefused = false;
  const doubted = s.ledger.all();
  for (const each of doubted.slice(BATCH)) s.ledger.remove(each);
  await s.clock.advance(1);
  for (const each of s.ledger.all()) s.ledger.remove(each);
  isRefused = true;
  await s.clock.advance(1);
  for (const each of s.ledger.all()) s.ledger.doubt(each);
  await s.clock.advance(1);
  assertEquals(s.ledger.counts.documents, 3 * BATCH);
  s.stop.abort();
  await run;
});
