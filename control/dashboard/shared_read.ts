import type { Clock } from "../../agent/lib/clock.ts";
import { doneBy } from "../../agent/lib/deadline.ts";

/** What was read, and whether it is of now. */
export interface Seen<T> {
  /** Undefined if it was never read. */
  readonly value: T | undefined;
  /** Since it was read, in milliseconds. */
  readonly ageMs: number;
  /** Why it could not be read again; undefined if all is well. */
  readonly trouble: string | undefined;
}

/**
 * A read that all viewers share: one at a time is under way, and its answer counts for a while. However many look, the
 * database answers once. If it does not answer in time, or fails, viewers get what was read last.
 */
export class SharedRead<T> {
  readonly #options: SharedReadOptions<T>;
  #value: T | undefined;
  #readAtMs = -Infinity;
  /** When the last read began. */
  #begunAtMs = -Infinity;
  #isForgotten = false;
  #trouble: string | undefined;
  #reading: Promise<void> | undefined;

  constructor(options: SharedReadOptions<T>) {
    this.#options = options;
  }

  /** What there is, or comes within the patience. Never throws. */
  async look(): Promise<Seen<T>> {
    const { clock, freshMs, patienceMs } = this.#options;
    // A read that has failed is not made again at once either.
    const isDue = this.#isForgotten || clock.monotonicMs() - this.#begunAtMs >= freshMs;
    if (isDue) this.#reading ??= this.#read();
    const late = { isLate: true };
    const reading = this.#reading?.then(() => ({ isLate: false }));
    const { isLate } = reading === undefined
      ? { isLate: false }
      : await doneBy(reading, { clock, limitMs: patienceMs }) ?? late;
    const nowMs = clock.monotonicMs();
    const waitedS = Math.round((nowMs - this.#begunAtMs) / 1000);
    return {
      value: this.#value,
      ageMs: this.#value === undefined ? 0 : nowMs - this.#readAtMs,
      trouble: this.#trouble ?? (isLate ? `MongoDB has not answered for ${waitedS} s` : undefined),
    };
  }

  /** Makes the next look read anew: something was changed. */
  forget(): void {
    this.#isForgotten = true;
  }

  async #read(): Promise<void> {
    const { clock, explain, read } = this.#options;
    this.#isForgotten = false;
    this.#begunAtMs = clock.monotonicMs();
    try {
      this.#value = await read();
      this.#readAtMs = clock.monotonicMs();
      this.#trouble = undefined;
    } catch (error) {
      this.#trouble = explain(error);
    }
    this.#reading = undefined;
  }
}

/** How a {@linkcode SharedRead} reads. */
export interface SharedReadOptions<T> {
  readonly clock: Clock;
  /** An answer counts for so long, in milliseconds. */
  readonly freshMs: number;
  /** A viewer waits for so long, in milliseconds. */
  readonly patienceMs: number;
  read(): Promise<T>;
  /** Why a read has failed, for people. */
  explain(error: unknown): string;
}
