/**
 * The timers, clocks and chance as they were before a user's module could replace them. A test library that is bundled
 * with the module brings timers that never fire and clocks that stand still. With those the agent would neither work,
 * nor keep its leases, nor notice that it is to stop.
 */
export const { setTimeout, clearTimeout } = globalThis;

/** Milliseconds since an arbitrary start. */
export const monotonicMs: () => number = performance.now.bind(performance);

/** Milliseconds since 1970 by the clock of the machine, which may be set at any time: never measure a wait by it. */
export const timeOfDayMs: () => number = Date.now.bind(Date);

/** A number drawn at random, at least 0 and less than 1. */
export const { random } = Math;
