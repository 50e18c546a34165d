import type { Clock } from "../lib/clock.ts";
import type { Batched } from "./batcher.ts";
import type { Settling } from "./outcome.ts";

/** How long outcomes wait whose documents are locked or need a right, in milliseconds. */
const RETRY_MS = 2000;

/**
 * Outcomes of documents that other programs lock, or whose writes need a right that the agent does not have. They wait
 * here, rather than in a write that others queue behind, and are tried together: a write of locked documents takes its
 * time.
 */
export class LockedOut {
  readonly #clock: Clock;
  readonly #writer: Writer;
  #waiting: Batched<Settling>[] = [];
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, writer: Writer) {
    this.#clock = clock;
    this.#writer = writer;
  }

  /** Takes outcomes in; returns when they are tried again at the latest, in milliseconds. */
  add(outcomes: readonly Batched<Settling>[]): number {
    this.#waiting.push(...outcomes);
    this.#cancel ??= this.#clock.after(RETRY_MS, () => this.#retry());
    return RETRY_MS;
  }

  /** Gives up what waits. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#waiting = [];
  }

  #retry(): void {
    const waiting = this.#waiting;
    this.stop();
    this.#writer.writeAgain(waiting);
  }
}

/** What writes outcomes again. */
export interface Writer {
  /** Writes the outcomes of each kind together. */
  writeAgain(outcomes: readonly Batched<Settling>[]): void;
}
