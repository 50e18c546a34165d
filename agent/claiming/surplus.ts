import type { Pool } from "../handling/pool.ts";
import type { Clock } from "../lib/clock.ts";
import { every } from "../lib/every.ts";
import type { AutoBatchSize } from "./auto_batch_size.ts";

/** How often is looked in the time of a lease. */
const LOOKS_PER_LEASE = 12;

/**
 * With `BATCH_SIZE=auto`, releases what was claimed while the handlers were faster than they are now, so that other agents
 * can take it, and nothing waits for long if this one is killed.
 */
export class Surplus {
  readonly #options: SurplusOptions;
  #cancel: (() => void) | undefined;

  constructor(options: SurplusOptions) {
    this.#options = options;
  }

  /** Looks again and again until {@linkcode Surplus.stop}. */
  start(): void {
    const { clock, leaseMs, pool, size } = this.#options;
    this.#cancel = every(clock, leaseMs / LOOKS_PER_LEASE, () => pool.releaseBeyond(size.mayWait));
  }

  /** Releases nothing any more. */
  stop(): void {
    this.#cancel?.();
  }
}

/** What a {@linkcode Surplus} needs. */
export interface SurplusOptions {
  clock: Clock;
  leaseMs: number;
  pool: Pick<Pool, "releaseBeyond">;
  size: Pick<AutoBatchSize, "mayWait">;
}
