import { CLOSED_BREAKER } from "./closed_breaker.ts";
import { assertEquals } from "@std/assert";
import { systemChance } from "../../agent/lib/chance.ts";
import { Events } from "../../agent/events.ts";
import { FixedBatchSize } from "../../agent/claiming/batch_size.ts";
import { Ledger } from "../../agent/leases/ledger.ts";
import { DrainingGate } from "../../agent/claiming/draining_gate.ts";
import { InterruptibleSleep } from "../../agent/lib/interruptible_sleep.ts";
import { PollLoop, type PollLoopOptions } from "../../agent/claiming/poll_loop.ts";
import type { LeasedDocument } from "../../agent/ports.ts";
import { PauseController } from "../../control/pause_controller.ts";
import { EventRecorder } from "./event_recorder.ts";
import { fakeDocument } from "./fake_document.ts";
import { FakeStore } from "./fake_store.ts";
import { ManualClock } from "./manual_clock.ts";

export const POLL_MS = 5000;
export const BATCH = 10;

/** A loop on a store in memory, whose documents a test does away with by hand. */
export class PollLoopSetup {
  readonly clock = new ManualClock();
  readonly store = new FakeStore(this.clock);
  readonly ledger = new Ledger();
  readonly gate = new PauseController();
  readonly recorder: EventRecorder;
  readonly wakeup = new InterruptibleSleep(this.clock);
  readonly processed: LeasedDocument[] = [];
  readonly released: LeasedDocument[] = [];
  readonly pool: PollLoopOptions["pool"] = {
    leftBehind: 0,
    add: (documents) => void this.processed.push(...documents),
    release: (documents) => void this.released.push(...documents),
  };
  readonly loop: PollLoop;
  readonly #claiming = new AbortController();

  constructor(options: Partial<PollLoopOptions> = {}) {
    const events = new Events();
    this.recorder = new EventRecorder(events);
    const { clock, gate, ledger, store } = this;
    this.loop = new PollLoop({
      breaker: CLOSED_BREAKER,
      clock,
      random: systemChance,
      events,
      ledger,
      store,
      gate: new DrainingGate(gate, this.#claiming.signal),
      pool: this.pool,
      wakeup: this.wakeup,
      batchSize: new FixedBatchSize(BATCH),
      pollIntervalMs: POLL_MS,
      processTimeoutMs: 20_000,
      concurrency: 16,
      settler: { releaseDoubted: () => false },
      leaseMs: 60_000,
      ...options,
    });
  }

  get claims(): number {
    return this.store.callsOf("claim").length;
  }

  run(): Promise<void> {
    return this.loop.run(this.#claiming.signal);
  }

  /** A document of an earlier claim is settled. */
  settleOne(): void {
    this.ledger.remove(this.ledger.add(fakeDocument()));
  }

  /** Ends the loop and waits until it has. */
  async end(running: Promise<void>): Promise<void> {
    this.#claiming.abort();
    await running;
    assertEquals(this.clock.pending, 0, "no timer is left behind");
  }
}
