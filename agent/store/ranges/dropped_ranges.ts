import type { Clock } from "../../lib/clock.ts";
import { sleep } from "../../lib/deadline.ts";
import type { RangeControl } from "./range_control.ts";

/** How often a drop is sent, at most; a range that is not dropped runs out. */
const TRIES = 3;
const RETRY_MS = 200;

/** Drops ranges in the background: those that are done while a drop is under way go together. */
export class DroppedRanges {
  readonly #options: DroppedRangesOptions;
  #waiting: string[] = [];
  #dropping: Promise<void> | undefined;

  constructor(options: DroppedRangesOptions) {
    this.#options = options;
  }

  /** A range is done. */
  add(token: string): void {
    this.#waiting.push(token);
    this.#dropping ??= this.#dropAll();
  }

  /** Whether none waits to be dropped. */
  get isEmpty(): boolean {
    return this.#dropping === undefined;
  }

  /** Resolves once all that were added are dropped, or given up. Never throws. */
  async flush(): Promise<void> {
    await this.#dropping;
  }

  async #dropAll(): Promise<void> {
    // Those of outcomes that are answered at the same time.
    await Promise.resolve();
    while (this.#waiting.length > 0) await this.#drop(this.#waiting.splice(0));
    this.#dropping = undefined;
  }

  async #drop(tokens: readonly string[]): Promise<void> {
    const { clock, control } = this.#options;
    for (let tries = 1;; tries++) {
      try {
        return await control.drop(tokens);
      } catch {
        if (tries >= TRIES) return;
        await sleep(clock, RETRY_MS);
      }
    }
  }
}

/** What {@linkcode DroppedRanges} need. */
export interface DroppedRangesOptions {
  clock: Clock;
  control: Pick<RangeControl, "drop">;
}
