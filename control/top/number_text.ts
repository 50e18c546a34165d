import { durationText } from "../../agent/text/duration_text.ts";
import type { Count } from "../fleet/overview.ts";

const NOT_KNOWN = "?";

/**
 * A count, such as `≥ 100,000`.
 *
 * @param atLeast what is known of one that was not counted in time
 */
export function countText(count: Count | null, atLeast: number | null): string {
  if (count === null) return atLeast === null ? NOT_KNOWN : countText({ n: atLeast, capped: true }, null);
  return `${count.capped ? "≥ " : ""}${count.n.toLocaleString("en")}`;
}

/** How often something happens each second. */
export function rateText(perSecond: number | null): string {
  if (perSecond === null) return NOT_KNOWN;
  const digits = perSecond === 0 || perSecond >= 100 ? 0 : perSecond >= 1 ? 1 : 2;
  return `${
    perSecond.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })
  }/s`;
}

/** A time of so many seconds, in its two largest units. */
export function secondsText(seconds: number): string {
  return durationText(1000 * Math.max(1, seconds));
}
