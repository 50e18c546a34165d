import { assertEquals } from "@std/assert";
import { ClaimCapacity, MAX_HELD_BYTES } from "../../../../agent/claiming/capacity.ts";
import { LoopProgress } from "../../../../agent/claiming/loop_progress.ts";
import { Events } from "../../../../agent/events.ts";
import { type Held, Ledger } from "../../../../agent/leases/ledger.ts";
import { PauseController } from "../../../../control/pause_controller.ts";
import { fakeDocument } from "../../../support/fake_document.ts";
import { ManualClock } from "../../../support/manual_clock.ts";

const BATCH = 10;

class Setup {
  readonly ledger = new Ledger();
  readonly gate = new PauseController();
  readonly stop = new AbortController();
  readonly #capacity: ClaimCapacity;

  constructor() {
    const clock = new ManualClock();
    this.#capacity = new ClaimCapacity({
      clock,
      gate: this.gate,
      ledger: this.ledger,
      pool: { stuckHandlers: 0 },
      progress: new LoopProgress({ clock, events: new Events(), processTimeoutMs: 1000 }),
      batchSize: BATCH,
      concurrency: 4,
    });
  }

  add(count: number, sizeBytes: number): Held[] {
    return Array.from({ length: count }, () => this.ledger.add(fakeDocument({ sizeBytes })));
  }

  /** What may be claimed now; undefined if the loop has to wait. */
  async now(): Promise<number | undefined> {
    const [limit] = await Promise.all([
      this.#capacity.wait(this.stop.signal),
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
    const s = new Setup();
    const all = s.add(held, sizeBytes);
    for (const each of all.slice(0, doubted)) s.ledger.doubt(each);
    assertEquals(await s.now(), may ? BATCH : undefined);
  });
}

Deno.test("ClaimCapacity lets the loop claim while results in doubt are larger than what may be held otherwise", async () => {
  const s = new Setup();
  for (const held of s.add(4, 100)) {
    s.ledger.weigh(held, 10 * 1024 * 1024);
    s.ledger.doubt(held);
  }
  assertEquals(await s.now(), BATCH);
});
