/** The mode is taken for so long, in milliseconds. */
export const MODE_LEASE_MS = 60_000;
/**
 * A claim in document mode may be applied so long after its mode has run out, in milliseconds: the time that the server may
 * work on it, and a margin for clocks.
 */
export const LATE_MS = 30_000;
/** The mode or the filter can be changed so long after the last agent has ended, in milliseconds. */
export const CHANGE_MS = MODE_LEASE_MS + LATE_MS;

/** Whether a lease ends further ahead than any agent writes it, unless the server's clock was ahead. */
export function isFar(until: Date, { now, longestMs }: { now: Date; longestMs: number }): boolean {
  return until.getTime() - now.getTime() > 2 * longestMs;
}
