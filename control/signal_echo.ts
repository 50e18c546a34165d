import type { Clock } from "../agent/lib/clock.ts";

/** The same signal twice within this is one, in milliseconds. */
const SAME_SIGNAL_MS = 300;

/**
 * Tells a signal that a person sends from its echo: a terminal and a task runner both pass one Ctrl-C on. Another
 * signal is never an echo.
 */
export class SignalEcho {
  readonly #clock: Clock;
  #last: { signal: Deno.Signal; atMs: number } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes note of a signal; returns whether it is only the echo of the one before. */
  isEcho(signal: Deno.Signal): boolean {
    const atMs = this.#clock.monotonicMs();
    const isEcho = signal === this.#last?.signal && atMs - this.#last.atMs <= SAME_SIGNAL_MS;
    // An echo does not count as a signal: a key that is pressed fast again must count.
    if (!isEcho) this.#last = { signal, atMs };
    return isEcho;
  }
}
