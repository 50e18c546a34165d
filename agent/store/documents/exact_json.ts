import { BSON } from "mongodb";

/**
 * Extended JSON that people can read, on one line or indented. It is relaxed, except for integers that relaxed JSON
 * would round.
 */
export function exactJson(value: unknown, indent?: number): string {
  return BSON.EJSON.stringify(withExactIntegers(value), undefined, indent, { relaxed: true });
}

/** Whether a value is an integer of 64 bits: the driver reads integers beyond 2^53 as such. */
export function isLong(value: unknown): value is BSON.Long {
  return (value as { _bsontype?: unknown } | null)?._bsontype === "Long";
}

function withExactIntegers(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withExactIntegers);
  if (isLong(value)) return Number.isSafeInteger(value.toNumber()) ? value : { $numberLong: String(value) };
  if (typeof value !== "object" || value === null) return value;
  if (![Object.prototype, null].includes(Object.getPrototypeOf(value))) return value;
  return Object.fromEntries(Object.entries(value).map(([field, each]) => [field, withExactIntegers(each)]));
}
