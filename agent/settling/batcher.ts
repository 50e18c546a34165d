import { backoffMs } from "../lib/backoff.ts";
import { sleep } from "../lib/deadline.ts";
import type { TimeAndChance } from "../lib/time_and_chance.ts";

/** An item on its way, and whether an earlier write of it ended without an answer. */
export interface Batched<T> {
  readonly item: T;
  /** An earlier write may have been applied although no answer said so. */
  uncertain: boolean;
}

const RETRY = { baseMs: 200, maxMs: 3000 };

/**
 * Gathers items for a few milliseconds and writes them together, again and again until the database has answered.
 *
 * A batch that is refused for a reason that will not pass is split, so that one bad item does not take its
 * neighbours down.
 */
export class Batcher<T> {
  readonly #options: BatcherOptions<T>;
  #queue: Batched<T>[] = [];
  #writes = 0;
  #cancelLinger: (() => void) | undefined;
  readonly #stop = new AbortController();

  constructor(options: BatcherOptions<T>) {
    this.#options = options;
  }

  /** Puts an item in line; `uncertain` if an earlier write of it may have been applied. */
  add(item: T, uncertain = false): void {
    this.#queue.push({ item, uncertain });
    if (this.#queue.length >= this.#options.maxItems) this.flush();
    else this.#cancelLinger ??= this.#options.clock.after(this.#options.lingerMs, () => this.flush());
  }

  /** Writes all items in line now, without waiting for others. */
  flush(): void {
    this.#cancelLinger?.();
    this.#cancelLinger = undefined;
    while (this.#queue.length > 0 && this.#writes < this.#options.maxWrites) {
      const batch = this.#queue.splice(0, this.#nextCount());
      this.#writes += 1;
      this.#write(batch).finally(() => {
        this.#writes -= 1;
        if (this.#queue.length > 0) this.flush();
      });
    }
  }

  /** How many items the next write takes. */
  #nextCount(): number {
    const { maxBytes, maxItems, writer } = this.#options;
    let bytes = 0;
    const most = Math.min(this.#queue.length, maxItems);
    for (let count = 0; count < most; count++) {
      bytes += writer.bytesOf(this.#queue[count]!.item);
      if (bytes > maxBytes && count > 0) return count;
    }
    return most;
  }

  /** Ends the retries: items that are not written by now stay unwritten. */
  stop(): void {
    this.#cancelLinger?.();
    this.#cancelLinger = undefined;
    this.#queue = [];
    this.#stop.abort();
  }

  async #write(batch: Batched<T>[]): Promise<void> {
    const { clock, random, writer } = this.#options;
    for (let failures = 1; !this.#stop.signal.aborted; failures++) {
      try {
        return await writer.write(batch);
      } catch (error) {
        if (writer.isTransient(error)) {
          if (this.#stop.signal.aborted) return;
          for (const each of batch) each.uncertain ||= writer.mayBeApplied(each.item);
          const retryInMs = 50 + backoffMs(failures, { ...RETRY, random });
          writer.failed(batch, error, retryInMs);
          await sleep(clock, retryInMs, this.#stop.signal);
        } else if (batch.length === 1) {
          return writer.rejected(batch[0]!.item, error);
        } else {
          // Parts of a refused batch may have been written all the same.
          for (const each of batch) each.uncertain = true;
          const half = batch.length >> 1;
          await this.#write(batch.slice(0, half));
          return await this.#write(batch.slice(half));
        }
      }
    }
  }
}

/** How a {@linkcode Batcher} works. */
export interface BatcherOptions<T> extends TimeAndChance {
  writer: BatchWriter<T>;
  /** Items a write takes at most. */
  maxItems: number;
  /** Bytes a write takes at most; a single larger item is written alone. */
  maxBytes: number;
  /** How long an item waits for others, in milliseconds. */
  lingerMs: number;
  /** Writes under way at once, at most. */
  maxWrites: number;
}

/** Writes the batches of a {@linkcode Batcher}, which calls each method of it. */
export interface BatchWriter<T> {
  /** Writes a batch; throws if the outcome is unknown or if the database refused it. */
  write(batch: readonly Batched<T>[]): Promise<void>;
  /** A write failed and is retried in `retryInMs`. */
  failed(batch: readonly Batched<T>[], error: unknown, retryInMs: number): void;
  /** The database refused this one item for good. */
  rejected(item: T, error: unknown): void;
  /** Whether the same write may succeed later: an outage, a failover, a timeout. */
  isTransient(error: unknown): boolean;
  /** Whether the last write of an item, which failed for a reason that may pass, may have been applied all the same. */
  mayBeApplied(item: T): boolean;
  /** The size of an item, in bytes. */
  bytesOf(item: T): number;
}
