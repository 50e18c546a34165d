import type { Spread } from "./stats.ts";

/** A whole number with separated thousands. */
export function number(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** The median, with the bounds of the figures. */
export function spreadText({ median, least, most }: Spread): string {
  return `**${number(median)}** (${number(least)} to ${number(most)})`;
}
