import { backoffMs } from "../lib/backoff.ts";
import type { Chance } from "../lib/chance.ts";
import { countRefusal, NO_REFUSALS, type RefusalCount } from "../lib/refusal_count.ts";
import type { SettleKind } from "../events.ts";
import { isAck } from "./settle_kind.ts";

/** Refusals that count against a document, each with other documents' writes accepted since the one before it. */
const CONVINCING = 5;
const RETRY = { baseMs: 200, maxMs: 3000 };

interface Doubt extends RefusalCount {
  /** Refusals in all. */
  tries: number;
}

/**
 * If the server's code does not tell whether a refusal is the document's fault or the database is in trouble, this
 * finds out.
 *
 * Codes that concern the document count at once. Any other code counts only if the same kind of write succeeds for
 * other documents meanwhile. If it is refused {@linkcode CONVINCING} times, with a write of another document accepted
 * between each two, the document is at fault. Until then it is the server's trouble: the outcome is written again after
 * a wait, the lease is renewed, and the document is not blamed. If every document is refused, none is ever blamed.
 */
export class Doubts<T extends object> {
  readonly #random: Chance;
  /** Acks that were accepted, by their kind. */
  readonly #acks = new Map<SettleKind, number>();
  #writes = 0;
  readonly #doubts = new WeakMap<T, Doubt>();

  constructor(random: Chance) {
    this.#random = random;
  }

  /** Takes note of writes of a kind that the database accepted. */
  accepted(kind: SettleKind, documents: number): void {
    if (isAck(kind)) this.#acks.set(kind, (this.#acks.get(kind) ?? 0) + documents);
    this.#writes += documents;
  }

  /**
   * Takes note of a refusal; returns whether the document is at fault. If a write failed as a whole (`isAlone` is
   * false), none of its documents is known to be at fault.
   */
  convict(kind: SettleKind, write: T, isAlone: boolean): boolean {
    const doubt = this.#doubts.get(write) ?? { tries: 0, ...NO_REFUSALS };
    this.#doubts.set(write, doubt);
    doubt.tries += 1;
    if (isAlone) countRefusal(doubt, this.#acceptedOf(kind));
    return doubt.counted >= CONVINCING;
  }

  /**
   * How long to wait until the write is retried, in milliseconds. It is random, so that writes that failed together are
   * retried apart.
   */
  retryInMs(write: T): number {
    return 50 + backoffMs(this.#doubts.get(write)?.tries ?? 1, { ...RETRY, random: this.#random });
  }

  /** Acks are compared with acks of their kind. The other outcomes are too rare for that: any outcome that is written counts. */
  #acceptedOf(kind: SettleKind): number {
    return isAck(kind) ? this.#acks.get(kind) ?? 0 : this.#writes;
  }
}
