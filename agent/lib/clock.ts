import { clearTimeout, setTimeout } from "./builtins.ts";

/** Time as the agent's parts see it, so that tests can turn the hands themselves. */
export interface Clock {
  /** Milliseconds since an arbitrary start; never goes back, knows nothing of the calendar. */
  monotonicMs(): number;
  /** Calls `callback` once after `delayMs`; the returned function cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}

/** The clock of the machine. Its timers keep the process alive until they fire or are cancelled. */
export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Waits `delayMs`, or less: an abort of `signal` ends the wait early. Never throws. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = () => {
      cancel();
      signal?.removeEventListener("abort", finish);
      resolve();
    };
    const cancel = clock.after(delayMs, finish);
    signal?.addEventListener("abort", finish);
  });
}
