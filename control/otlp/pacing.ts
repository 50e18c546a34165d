import { backoffMs } from "../../agent/lib/backoff.ts";
import type { TimeAndChance } from "../../agent/lib/time_and_chance.ts";
import type { Sent } from "./sender.ts";

/** Upper bounds of the wait after a failed request, in milliseconds. */
const BACKOFF = { baseMs: 1000, maxMs: 60_000 };
/** A collector that asks for a longer wait is asked again after this, in milliseconds. */
const MAX_WAIT_MS = 5 * 60_000;

/** When the next request may be sent: later and later while the collector fails, or when it asks for it. */
export class Pacing {
  readonly #time: TimeAndChance;
  #failures = 0;
  #notBeforeMs = -Infinity;

  constructor(time: TimeAndChance) {
    this.#time = time;
  }

  /** Whether a request may be sent now. */
  get isOpen(): boolean {
    return this.#time.clock.monotonicMs() >= this.#notBeforeMs;
  }

  /** Notes how a request ended. */
  note(sent: Sent): void {
    if (sent.kind !== "failed") {
      this.#failures = 0;
      return;
    }
    this.#failures += 1;
    const { clock, random } = this.#time;
    const waitMs = Math.max(
      Math.min(sent.retryAfterMs ?? 0, MAX_WAIT_MS),
      BACKOFF.baseMs / 2 + backoffMs(this.#failures, { ...BACKOFF, random }) / 2,
    );
    this.#notBeforeMs = clock.monotonicMs() + waitMs;
  }
}
