import type { SettleKind } from "../events.ts";
import type { TimeAndChance } from "../lib/time_and_chance.ts";
import { Batcher, type BatcherOptions, type BatchWriter } from "./batcher.ts";
import { BATCH_LIMITS, DEAD_LETTER_LIMITS, MAX_BATCH, TRANSACTION_LIMITS } from "./batch_limits.ts";
import type { Settling } from "./outcome.ts";
import { settleKindOf } from "./settle_kind.ts";

/** A batcher for each kind of outcome. */
export class Batchers {
  readonly #batchers: Readonly<Record<SettleKind, Batcher<Settling>>>;

  constructor(writer: BatchWriter<Settling>, { clock, random }: TimeAndChance) {
    const batcher = (limits: Partial<BatcherOptions<Settling>> = {}) =>
      new Batcher<Settling>({ clock, random, writer, maxItems: MAX_BATCH, ...BATCH_LIMITS, ...limits });
    this.#batchers = {
      ack: batcher(),
      ack_with_writes: batcher(TRANSACTION_LIMITS),
      nack: batcher(),
      release: batcher(),
      snooze: batcher(),
      dead_letter: batcher(DEAD_LETTER_LIMITS),
      finish_verdict: batcher(DEAD_LETTER_LIMITS),
    };
  }

  /** Puts an outcome in line with those of its kind; `uncertain` if an earlier write of it may have been applied. */
  add(settling: Settling, uncertain = false): void {
    this.#batchers[settleKindOf(settling.outcome)].add(settling, uncertain);
  }

  /** Writes now what waits for others, of one kind or of all. */
  flush(kind?: SettleKind): void {
    const batchers = kind === undefined ? Object.values(this.#batchers) : [this.#batchers[kind]];
    for (const batcher of batchers) batcher.flush();
  }

  /** Ends the retries: what is not written by now stays unwritten. */
  stop(): void {
    for (const batcher of Object.values(this.#batchers)) batcher.stop();
  }
}
