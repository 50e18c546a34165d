const DAY_MS = 86_400_000;
const UNITS: readonly (readonly [ms: number, name: string])[] = [
  [DAY_MS, "d"],
  [3_600_000, "h"],
  [60_000, "min"],
  [1000, "s"],
];

/** A length of time in its two largest units, such as `2 h 5 min`. */
export function durationText(ms: number): string {
  const at = UNITS.findIndex(([unit]) => ms >= unit);
  if (at < 0) return `${Math.max(0, Math.round(ms))} ms`;
  const [[large, name], small] = [UNITS[at]!, UNITS[at + 1]];
  const count = Math.floor(ms / large);
  const rest = small === undefined ? 0 : Math.floor((ms - count * large) / small[0]);
  return rest === 0 ? `${count} ${name}` : `${count} ${name} ${rest} ${small![1]}`;
}

/** How long ago a time in ISO format was, in whole seconds at least; undefined if the text is no time. */
export function agoText(time: string, now: Date): string | undefined {
  const ms = now.getTime() - Date.parse(time);
  return Number.isNaN(ms) ? undefined : durationText(Math.max(1000, ms));
}

/**
 * A time in ISO format that has passed, on a clock and from now on, such as `12:03:01 UTC, 2 h 5 min ago`. It has a date if
 * a day has passed since. A text that is no time stays as it is.
 */
export function pastText(time: string, now: Date): string {
  const ago = agoText(time, now);
  if (ago === undefined) return time;
  const [date, clock] = new Date(time).toISOString().split("T") as [string, string];
  const isToday = now.getTime() - Date.parse(time) < DAY_MS;
  return `${isToday ? "" : `${date} `}${clock.slice(0, 8)} UTC, ${ago} ago`;
}
