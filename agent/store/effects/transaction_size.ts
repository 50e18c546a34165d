import type { Ack } from "../../ports.ts";

/** Documents in one transaction, at most. */
const MAX_DOCUMENTS = 100;
/** Writes in one transaction, at most; a single document may ask for more. */
const MAX_WRITES = 1000;
/** A transaction that took too long is made again with this part of its documents: 1 / 4. */
const SHRINK = 4;
/** A transaction of this part of the time that one may take can have twice as many documents: 1 / 4. */
const QUICK_SHARE = 4;

/**
 * How many documents go into one transaction. Most of the time it is the writes that processors ask for that are slow,
 * because an index is missing for their filters: all that a large transaction has made until it is out of time is lost, each
 * time again. So the number falls until transactions end in time, and it stays there from one call to the next.
 */
export class TransactionSize {
  readonly #quickMs: number;
  #documents = MAX_DOCUMENTS;

  /** @param limitMs How long a transaction may take, in milliseconds. */
  constructor(limitMs: number) {
    this.#quickMs = limitMs / QUICK_SHARE;
  }

  /** Documents of the next transaction, at most. */
  get documents(): number {
    return this.#documents;
  }

  /** Whether a larger transaction would be out of time. */
  get isReduced(): boolean {
    return this.#documents < MAX_DOCUMENTS;
  }

  /** A transaction of so many documents was out of time. */
  tooLong(documents: number): void {
    this.#documents = Math.max(1, Math.floor(documents / SHRINK));
  }

  /** A transaction of so many documents was made, in so many milliseconds. */
  made(documents: number, ms: number): void {
    if (documents < this.#documents || ms > this.#quickMs) return;
    this.#documents = Math.min(MAX_DOCUMENTS, 2 * documents);
  }
}

/** The documents of each transaction, by the number of their writes. */
export function inTransactions(acks: readonly Ack[]): Ack[][] {
  const parts: Ack[][] = [];
  let writes = Infinity;
  for (const ack of acks) {
    const more = ack.writes?.length ?? 0;
    writes += more;
    if (writes > MAX_WRITES) {
      parts.push([]);
      writes = more;
    }
    parts.at(-1)!.push(ack);
  }
  return parts;
}
