import { BSON } from "mongodb";
import { isLong as hasLongTag, withExactIntegers } from "../../lib/exact_integers.ts";

/**
 * Extended JSON that people can read, on one line or indented. It is relaxed, except for integers that relaxed JSON
 * would round.
 */
export function exactJson(value: unknown, indent?: number): string {
  return BSON.EJSON.stringify(withExactIntegers(value), undefined, indent, { relaxed: true });
}

/** Whether a value is an integer of 64 bits: the driver reads integers beyond 2^53 as such. */
export function isLong(value: unknown): value is BSON.Long {
  return hasLongTag(value);
}
