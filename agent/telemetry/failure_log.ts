import { errorText } from "../errors.ts";
import type { Clock } from "../lib/clock.ts";
import type { Logger } from "./logger.ts";

/** Repeats of the same failure are written at most this often, in milliseconds. */
const REPEAT_MS = 30_000;

/**
 * Writes a failure that repeats itself once, and then from time to time, so that an outage does not hide the rest of
 * the log.
 */
export class FailureLog {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #last = new Map<string, { text: string; atMs: number }>();

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  report(
    what: string,
    message: string,
    error: unknown,
    fields: Record<string, unknown>,
    { level = "warn" }: { level?: "warn" | "error" } = {},
  ): void {
    const text = errorText(error);
    const last = this.#last.get(what);
    const now = this.#clock.monotonicMs();
    if (last?.text === text && now - last.atMs < REPEAT_MS) {
      this.#log.debug(message, { error: text, ...fields });
      return;
    }
    this.#last.set(what, { text, atMs: now });
    this.#log[level](message, { error: text, ...fields });
  }

  over(what: string): void {
    this.#last.delete(what);
  }
}
