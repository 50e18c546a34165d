import { isPlain } from "./plain_object.ts";

/** Whether a value is an integer of 64 bits: the driver reads integers beyond 2^53 as such. */
export function isLong(value: unknown): value is { toNumber(): number } {
  return (value as { _bsontype?: unknown } | null)?._bsontype === "Long";
}

/**
 * A copy in which the integers that relaxed Extended JSON would round are written as `{ "$numberLong": "..." }`. It
 * shares all else with the value.
 */
export function withExactIntegers(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withExactIntegers);
  if (isLong(value)) return Number.isSafeInteger(value.toNumber()) ? value : { $numberLong: String(value) };
  if (!isPlain(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([field, each]) => [field, withExactIntegers(each)]));
}
