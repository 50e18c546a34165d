import type { Clock } from "./clock.ts";

/** When a wait ends: after a time, or on an abort. If both are given, the first one counts. */
export type Deadline =
  | { clock: Clock; limitMs: number; signal?: AbortSignal | undefined }
  | { clock?: undefined; limitMs?: undefined; signal: AbortSignal };

/**
 * Calls `callback` once, when the deadline comes; the returned function takes that back. Either way no timer and no
 * listener stay behind. An infinite time never comes.
 */
export function atDeadline({ clock, limitMs, signal }: Deadline, callback: () => void): () => void {
  if (signal?.aborted) {
    callback();
    return () => {};
  }
  const come = () => {
    cancel();
    callback();
  };
  const cancelTimer = clock && Number.isFinite(limitMs) ? clock.after(limitMs, come) : undefined;
  signal?.addEventListener("abort", come);
  const cancel = () => {
    cancelTimer?.();
    signal?.removeEventListener("abort", come);
  };
  return cancel;
}

/**
 * Waits for `promise`, but not beyond the deadline: then it **rejects** with the error that `late` makes. A later
 * result or failure of the promise is ignored.
 *
 * @throws What the promise rejects with, if it does before the deadline.
 */
export function answerBy<T>(promise: Promise<T>, deadline: Deadline, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = atDeadline(deadline, () => reject(late()));
    settle(promise, cancel, resolve, reject);
  });
}

/**
 * Waits for `promise`, but not beyond the deadline: then it **resolves** with undefined. A later result or failure of
 * the promise is ignored.
 *
 * @throws What the promise rejects with, if it does before the deadline.
 */
export function doneBy<T>(promise: Promise<T>, deadline: Deadline): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const cancel = atDeadline(deadline, () => resolve(undefined));
    settle(promise, cancel, resolve, reject);
  });
}

/** Waits `delayMs`, or less: an abort of `signal` ends the wait early. Never rejects. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    atDeadline({ clock, limitMs: delayMs, signal }, resolve);
  });
}

/** Resolves when `signal` aborts. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    atDeadline({ signal }, resolve);
  });
}

function settle<T>(
  promise: Promise<T>,
  cancel: () => void,
  resolve: (value: T) => void,
  reject: (error: unknown) => void,
): void {
  promise.then((value) => {
    cancel();
    resolve(value);
  }, (error) => {
    cancel();
    reject(error);
  });
}
