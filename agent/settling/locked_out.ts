import type { SettleKind } from "../events.ts";
import type { Clock } from "../lib/clock.ts";
import type { Settling } from "./outcome.ts";

/** How long outcomes wait whose documents are locked, in milliseconds. */
const RETRY_MS = 2000;

/**
 * Outcomes of documents that other programs lock. They wait here, rather than in a write that others queue behind, and
 * are tried together: a write of locked documents takes its time.
 */
export class LockedOut {
  readonly #clock: Clock;
  readonly #writer: Writer;
  readonly #waiting = new Map<SettleKind, Settling[]>();
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, writer: Writer) {
    this.#clock = clock;
    this.#writer = writer;
  }

  /** Takes outcomes in; returns when they are tried again at the latest, in milliseconds. */
  add(kind: SettleKind, outcomes: readonly Settling[]): number {
    this.#waiting.set(kind, [...this.#waiting.get(kind) ?? [], ...outcomes]);
    this.#cancel ??= this.#clock.after(RETRY_MS, () => this.#retry());
    return RETRY_MS;
  }

  /** Gives up what waits. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#waiting.clear();
  }

  #retry(): void {
    const waiting = [...this.#waiting];
    this.stop();
    for (const [kind, outcomes] of waiting) this.#writer.writeAgain(kind, outcomes);
  }
}

/** What writes outcomes again. */
export interface Writer {
  /** Writes the outcomes of one kind together. */
  writeAgain(kind: SettleKind, outcomes: readonly Settling[]): void;
}
