/**
 * The timers as they were before a user's module could put something else in their place. A test library that was bundled
 * with it brings timers that never fire: with those the agent would neither work nor hear that it is to stop.
 */
export const { setTimeout, clearTimeout, setInterval, clearInterval } = globalThis;
