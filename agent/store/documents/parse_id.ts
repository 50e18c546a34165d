import { BSON } from "mongodb";

/** A number as JSON writes it. */
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?(e[+-]?\d+)?$/i;

/**
 * What people may mean by an id that they type: the digits of an ObjectId, a number, a date, Extended JSON, or text.
 */
export function possibleIds(text: string): unknown[] {
  const found: unknown[] = [text];
  if (/^[0-9a-f]{24}$/i.test(text)) found.push(new BSON.ObjectId(text));
  if (BSON.UUID.isValid(text)) found.push(new BSON.UUID(text).toBinary());
  if (/^\d{4}-\d\d-\d\dT/.test(text) && !Number.isNaN(Date.parse(text))) found.push(new Date(text));
  // JSON would round an integer beyond 2^53 to that of another document.
  found.push(...(NUMBER.test(text) ? numbersOf(text) : parsed(text)));
  // In a query, a regular expression would mean all ids that it matches.
  return found.filter((id) => !(id instanceof RegExp) && !(id instanceof BSON.BSONRegExp));
}

/** MongoDB compares numbers of all types by their value: one exact number finds them all. */
function numbersOf(text: string): unknown[] {
  const found: unknown[] = [];
  try {
    found.push(BSON.Decimal128.fromString(text));
  } catch {
    // A decimal cannot hold this many digits.
  }
  const number = Number(text);
  // The nearest double, for fractions and for numbers with an exponent; never a neighbour of an exact integer.
  if (!Number.isInteger(number) || Number.isSafeInteger(number) || Math.abs(number) >= 1e21) {
    found.push(new BSON.Double(number));
  }
  return found;
}

function parsed(text: string): unknown[] {
  try {
    // Not relaxed: a $numberLong beyond 2^53 would be rounded.
    return [BSON.EJSON.parse(text, { relaxed: false })];
  } catch {
    return [];
  }
}
