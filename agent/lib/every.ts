import type { Clock } from "./clock.ts";

/** Calls `tick` each time that `everyMs` have passed, for the first time after one of them; the returned function ends that. */
export function every(clock: Clock, everyMs: number, tick: () => void): () => void {
  let cancel: () => void;
  const next = () => {
    cancel = clock.after(everyMs, () => {
      // Before the tick, which may end it.
      next();
      tick();
    });
  };
  next();
  return () => cancel();
}
