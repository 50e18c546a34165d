import { systemClock } from "../../agent/lib/clock.ts";

/** The clock of the machine, whose monotonic time can be set ahead: so the machine was frozen, or time has passed. */
export function shiftedClock() {
  let aheadMs = 0;
  const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + aheadMs };
  return { clock, setAhead: (ms: number) => void (aheadMs = ms) };
}
