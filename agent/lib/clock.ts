import { clearTimeout, monotonicMs, setTimeout } from "./builtins.ts";

/** Time as the agent's parts see it, so that tests can control it. */
export interface Clock {
  /** Milliseconds since an arbitrary start. It never goes back, and does not depend on the time of day. */
  monotonicMs(): number;
  /** Calls `callback` once after `delayMs`; the returned function cancels it. */
  after(delayMs: number, callback: () => void, options?: TimerOptions): () => void;
}

/** How a timer of a {@linkcode Clock} behaves. */
export interface TimerOptions {
  /** Whether the process may end before the timer fires; otherwise the timer keeps the process alive. */
  isBackground?: boolean;
}

/** The clock of the machine. */
export const systemClock: Clock = {
  monotonicMs,
  after(delayMs, callback, options) {
    const timer = setTimeout(callback, delayMs);
    if (options?.isBackground) Deno.unrefTimer(timer);
    return () => clearTimeout(timer);
  },
};
