const UNITS: readonly (readonly [ms: number, name: string])[] = [
  [86_400_000, "d"],
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

/** A time to come, by itself and from now on; one that has passed says so. */
export function untilText(date: Date, now: Date): string {
  const ms = date.getTime() - now.getTime();
  return ms > 0
    ? `${date.toISOString()} (in ${durationText(ms)})`
    : `${date.toISOString()} (${durationText(-ms)} ago)`;
}
