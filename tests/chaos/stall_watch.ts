import type { Collection } from "mongodb";
import { systemClock } from "../../agent/lib/clock.ts";
import { sleep } from "../../agent/lib/deadline.ts";
import { LEASE_MS } from "./world.ts";

/** Between two writes, in milliseconds. */
const EVERY_MS = 200;
/** An agent needs several answers within a lease. */
const STALL_MS = LEASE_MS / 4;

/** A time in which the database took long for a small write, or this process could not run; in milliseconds since 1970. */
export interface Stall {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * Looks whether the database, and the machine, answer at all: on a machine that is used for other things, agents may lose
 * leases though no row did anything to them. `await using` stops it.
 */
export class StallWatch implements AsyncDisposable {
  readonly stalls: Stall[] = [];
  readonly #probes: Collection;
  readonly #watching: Promise<void>;
  #isOver = false;

  /** @param probes a collection that nothing else writes to */
  constructor(probes: Collection) {
    this.#probes = probes;
    this.#watching = this.#watch();
  }

  /** Stops; all stalls are known then. */
  async end(): Promise<void> {
    this.#isOver = true;
    await this.#watching;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  async #watch(): Promise<void> {
    while (!this.#isOver) {
      const fromMs = Date.now();
      await sleep(systemClock, EVERY_MS);
      // While there is no primary this waits for one. A write that fails is no answer either.
      while (!await this.#write() && !this.#isOver);
      const toMs = Date.now();
      if (toMs - fromMs > STALL_MS + EVERY_MS) this.stalls.push({ fromMs, toMs });
    }
  }

  async #write(): Promise<boolean> {
    try {
      const options = { upsert: true, writeConcern: { w: "majority" } } as const;
      await this.#probes.updateOne({}, { $set: { at: new Date() } }, options);
      return true;
    } catch {
      await sleep(systemClock, EVERY_MS);
      return false;
    }
  }
}
