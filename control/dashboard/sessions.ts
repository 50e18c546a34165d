/** A login counts for so long, in milliseconds. */
export const SESSION_MS = 12 * 3_600_000;
/** Logins that count at the same time, at most: the oldest one ends for a new one. */
const MAX_OPEN = 1000;

/** The logins of viewers. They are known to this process alone: each ends with its logout, its time, or the process. */
export class Sessions {
  /** When each of them ends, by what is known of its secret, the oldest first. */
  readonly #ends = new Map<string, number>();
  readonly #now: () => Date;

  constructor(now: () => Date) {
    this.#now = now;
  }

  /** Begins one. */
  open(known: string): void {
    const nowMs = this.#now().getTime();
    for (const [each, endMs] of this.#ends) {
      if (endMs > nowMs && this.#ends.size < MAX_OPEN) break;
      this.#ends.delete(each);
    }
    this.#ends.set(known, nowMs + SESSION_MS);
  }

  /** Whether one counts. */
  has(known: string): boolean {
    return (this.#ends.get(known) ?? -Infinity) > this.#now().getTime();
  }

  /** Ends one, for all that have a copy of its secret. */
  close(known: string): void {
    this.#ends.delete(known);
  }
}
