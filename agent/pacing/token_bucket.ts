/** A bucket holds what this time brings, in milliseconds, or one token if that is less. */
const HOLDS_MS = 1000;

/** And this part of a token more: otherwise each token that is taken a little late would cost a part of the next. */
const SPARE = 0.1;

/** Sums of fractions may end this far below a whole number. */
const ROUNDING = 1e-6;

/**
 * Tokens that come at a steady rate. It begins empty, and holds as many as a second brings, or one if that is less: in
 * any time, no more are taken than the rate gives in that time and a second.
 *
 * All times are those of a clock that never goes back, in milliseconds.
 */
export class TokenBucket {
  #perMs = 0;
  #tokens = 0;
  #atMs: number;

  constructor(nowMs: number) {
    this.#atMs = nowMs;
  }

  /** Tokens in a millisecond. */
  get perMs(): number {
    return this.#perMs;
  }

  /** Tokens that it holds at most. Without a rate it holds none. */
  get capacity(): number {
    return this.#perMs === 0 ? 0 : Math.max(1, this.#perMs * HOLDS_MS) + SPARE;
  }

  /** From `nowMs` on, tokens come at this rate. */
  setRate(perMs: number, nowMs: number): void {
    this.#refill(nowMs);
    this.#perMs = perMs;
    this.#tokens = Math.min(this.#tokens, this.capacity);
  }

  /** Tokens there will be after `inMs` if none is taken, no matter how many it holds: a whole number. */
  soon(inMs: number, nowMs: number): number {
    this.#refill(nowMs);
    return Math.floor(this.#tokens + this.#perMs * inMs + ROUNDING);
  }

  /** Takes tokens; call it only if they are there. */
  take(tokens: number, nowMs: number): void {
    this.#refill(nowMs);
    this.#tokens = Math.max(0, this.#tokens - tokens);
  }

  /** How long until so many tokens are there, in milliseconds; infinite without a rate. */
  inMs(tokens: number, nowMs: number): number {
    this.#refill(nowMs);
    const missing = tokens - this.#tokens;
    if (missing <= ROUNDING) return 0;
    return this.#perMs === 0 ? Infinity : missing / this.#perMs;
  }

  #refill(nowMs: number): void {
    const passedMs = Math.max(0, nowMs - this.#atMs);
    this.#tokens = Math.min(this.capacity, this.#tokens + passedMs * this.#perMs);
    this.#atMs = Math.max(this.#atMs, nowMs);
  }
}
