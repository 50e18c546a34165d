import { type Clock, systemClock } from "../lib/clock.ts";
import { doneBy } from "../lib/deadline.ts";

/** Takes lines for the log. Never throws and never waits. */
export interface LineOutput {
  /** Takes a line, without its line break. */
  add(line: string): void;
  /** Counts lines that could not even be made. */
  lose(lines: number, reason: string): void;
}

/** Where lines end up, such as standard output. */
export interface ByteSink {
  /** Begins to write at once, on a thread of its own: the caller never waits for a reader. */
  write(bytes: Uint8Array): Promise<number>;
}

/** Enough for thousands of lines that come at once, and little beside the heap. */
const MAX_LENGTH = 4 * 1024 * 1024;
/** One write takes no more than this and a line, in UTF-16 units. */
const MAX_CHUNK = 64 * 1024;
/** The wait for the first retry after a failed write, in milliseconds. It doubles with each further failure. */
const RETRY_MS = 100;
const MAX_RETRY_MS = 5000;
/** If a write takes longer than this, its reader does not read, in milliseconds. */
const STUCK_MS = 200;
/** At the end of the process, a write under way gets this long, in milliseconds. */
const LAST_WRITE_MS = 50;

const FULL = "standard output was not read fast enough";

const encoder = new TextEncoder();

/**
 * Writes lines in their order, off the main path: one write at a time, on a thread of the runtime, so that a reader
 * that does not read blocks only the log. The lines that wait are bounded. Lines that find no room, or cannot be
 * written, are counted, and a line in their place reports the number as soon as lines can be written again.
 */
export class LineQueue implements LineOutput {
  readonly #options: Required<LineQueueOptions>;
  #lines: string[] = [];
  #length = 0;
  /** Lines that found no room behind those that wait. */
  #dropped = 0;
  /** Lines of writes that failed, before those that wait. */
  #failed = 0;
  #reason = FULL;
  #failures = 0;
  /** Cancels the next retry after a failed write. */
  #cancelRetry: (() => void) | undefined;
  /** When the write under way has begun, in milliseconds of the monotonic clock. */
  #writingSinceMs: number | undefined;
  #rested: PromiseWithResolvers<void> | undefined;
  /** Whether the process is about to end: further lines are collected for one last write. */
  #isEnding = false;

  constructor(options: LineQueueOptions) {
    this.#options = { maxLength: MAX_LENGTH, clock: systemClock, ...options };
  }

  add(line: string): void {
    if (this.#length + line.length > this.#options.maxLength) return this.lose(1, this.#whyFull);
    this.#tellDropped();
    this.#push(line);
    if (!this.#isEnding) this.#pump();
  }

  lose(lines: number, reason: string): void {
    this.#dropped += lines;
    this.#reason = reason;
  }

  /**
   * Resolves once all lines are written, a write has failed, or `limitMs` has passed. For the end of the process: lines
   * that come later wait for {@linkcode LineQueue.flushSync}.
   */
  async flush(limitMs: number): Promise<void> {
    this.#isEnding = true;
    this.#endWait();
    this.#pump();
    if (this.#writingSinceMs === undefined) return;
    this.#rested ??= Promise.withResolvers();
    await doneBy(this.#rested.promise, { clock: this.#options.clock, limitMs });
  }

  /**
   * Begins to write the waiting lines, for a process that ends at this moment, and gives the write a short time. It
   * never waits for a reader: one that has stopped reading would keep the process alive forever. Lines behind a write
   * under way are lost.
   */
  flushSync(): void {
    const sinceMs = this.#writingSinceMs;
    if (sinceMs === undefined) {
      const texts: string[] = [];
      for (let { text } = this.#take(); text !== ""; { text } = this.#take()) {
        this.#failed = 0;
        texts.push(text);
      }
      if (texts.length === 0) return;
      this.#write(texts.join("")).catch(() => {});
    } else if (this.#options.clock.monotonicMs() - sinceMs > STUCK_MS) return;
    // Whether the write has ended shows only in the next turn of the event loop, and that does not come.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LAST_WRITE_MS);
  }

  /** Why not all lines are written, as far as is known; undefined if they are. */
  get unwritten(): string | undefined {
    if (this.#failures > 0) return this.#reason;
    return this.#writingSinceMs === undefined && this.#lines.length === 0 ? undefined : FULL;
  }

  get #whyFull(): string {
    return this.#failures > 0 ? this.#reason : FULL;
  }

  #push(line: string): void {
    this.#lines.push(line);
    this.#length += line.length;
  }

  /** Reports, in the place of lines that were dropped, how many these were. */
  #tellDropped(): void {
    if (this.#dropped === 0) return;
    const dropped = this.#dropped;
    this.#dropped = 0;
    this.#push(this.#options.lossLine(dropped, this.#reason));
  }

  #pump(): void {
    if (this.#writingSinceMs !== undefined || this.#cancelRetry !== undefined) return;
    const { text, lines } = this.#take();
    if (text === "") return this.#rest();
    this.#writingSinceMs = this.#options.clock.monotonicMs();
    this.#write(text).then(() => this.#wrote(), (error) => this.#couldNot(error, lines));
  }

  async #write(text: string): Promise<void> {
    const bytes = encoder.encode(text);
    for (let done = 0; done < bytes.length;) {
      done += await this.#options.sink.write(done === 0 ? bytes : bytes.subarray(done));
    }
  }

  /** The text of the next write, and how many lines are lost if it fails. */
  #take(): { text: string; lines: number } {
    if (this.#failed > 0) {
      // It is written alone, so that an output that still fails costs no more lines. The failed write may have ended
      // within a line.
      return { text: `\n${this.#options.lossLine(this.#failed, this.#reason)}\n`, lines: 0 };
    }
    if (this.#lines.length === 0) this.#tellDropped();
    let [count, length] = [0, 0];
    while (count < this.#lines.length && length < MAX_CHUNK) length += this.#lines[count++]!.length;
    if (count === 0) return { text: "", lines: 0 };
    const lines = count === this.#lines.length ? this.#lines : this.#lines.slice(0, count);
    this.#lines = count === this.#lines.length ? [] : this.#lines.slice(count);
    this.#length -= length;
    return { text: lines.join("\n") + "\n", lines: count };
  }

  #wrote(): void {
    this.#writingSinceMs = undefined;
    if (this.#failures > 0) this.#failed = this.#failures = 0;
    this.#pump();
  }

  #couldNot(error: unknown, lines: number): void {
    this.#writingSinceMs = undefined;
    this.#failed += lines;
    this.#failures += 1;
    this.#reason = error instanceof Error ? error.message : "it cannot be written";
    const waitMs = Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** (this.#failures - 1));
    const retry = () => {
      this.#endWait();
      this.#pump();
    };
    this.#cancelRetry = this.#options.clock.after(waitMs, retry, { isBackground: true });
    this.#rest();
  }

  #endWait(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
  }

  /** Nothing can be done for now. */
  #rest(): void {
    this.#rested?.resolve();
    this.#rested = undefined;
  }
}

/** What a {@linkcode LineQueue} needs. */
export interface LineQueueOptions {
  sink: ByteSink;
  /** The line that says how many lines were lost, and why. */
  lossLine(lines: number, reason: string): string;
  /** Lines that wait take no more than this, in UTF-16 units. */
  maxLength?: number;
  clock?: Clock;
}
