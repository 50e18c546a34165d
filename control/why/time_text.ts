import { durationText } from "../../agent/text/duration_text.ts";

/** A time to come, by itself and from now on; one that has passed says so. */
export function untilText(date: Date, now: Date): string {
  const ms = date.getTime() - now.getTime();
  return ms > 0
    ? `${date.toISOString()} (in ${durationText(ms)})`
    : `${date.toISOString()} (${durationText(-ms)} ago)`;
}
