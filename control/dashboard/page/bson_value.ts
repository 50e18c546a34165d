import type { JsonDate } from "../api.ts";

/** A number of Extended JSON; undefined if it is none. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value !== "object" || value === null) return undefined;
  const [text] = Object.values(value);
  return typeof text === "string" && Number.isFinite(Number(text)) ? Number(text) : undefined;
}

/** A date of Extended JSON as ISO text; undefined if there is none that a date can be. */
export function isoOf(value: JsonDate | undefined): string | undefined {
  if (value === undefined || value === null) return undefined;
  const { $date } = value;
  const date = new Date(typeof $date === "string" ? $date : Number($date?.$numberLong));
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
