import type { Chance } from "./chance.ts";

/** Limits of the wait before a retry. */
export interface BackoffOptions {
  /** Upper bound of the first wait, in milliseconds. */
  baseMs: number;
  /** Upper bound of any wait, in milliseconds. */
  maxMs: number;
  random: Chance;
}

/**
 * The wait before retry number `retry` (1 is the first), in milliseconds: exponential, with full jitter.
 *
 * Full jitter (a uniform draw between zero and the exponential bound) spreads the retries of many documents that
 * failed together better than any fixed fraction. Source: Marc Brooker, "Exponential Backoff And Jitter", 2015.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { backoffMs } from "./backoff.ts";
 * import { systemChance } from "./chance.ts";
 * assert(backoffMs(3, { baseMs: 1000, maxMs: 300_000, random: systemChance }) <= 4000);
 * ```
 */
export function backoffMs(retry: number, { baseMs, maxMs, random }: BackoffOptions): number {
  const exponent = Math.max(0, retry - 1);
  // 2 ** 1024 is Infinity, and Infinity * 0 is NaN: the exponent stops at a value beyond every bound.
  const boundMs = Math.min(maxMs, baseMs * 2 ** Math.min(exponent, 52));
  return Math.floor(random() * boundMs);
}
