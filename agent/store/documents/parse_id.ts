import { BSON } from "mongodb";

/** A number as JSON writes it. */
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?(e[+-]?\d+)?$/i;

/** An id as mongosh prints it, from where people copy it. */
const MONGOSH =
  /^\s*(?:new\s+)?(ObjectId|UUID|ISODate|Date|NumberInt|NumberLong|NumberDecimal|Int32|Long|Double|Decimal128)\(\s*(["']?)([^"'()]*)\2\s*\)\s*$/;

/**
 * What people may mean by an id that they type: the digits of an ObjectId, a number, a date, Extended JSON, text, or a
 * value as mongosh prints it.
 */
export function possibleIds(text: string): unknown[] {
  const [, , , inner] = MONGOSH.exec(text) ?? [];
  return [...idsIn(text), ...(inner === undefined ? [] : idsIn(inner).slice(1))];
}

/**
 * Ids that are near to a typed one: the same digits or letters as text or as a value, in another case, or without what
 * is around them. For a look at what may have been meant, and never for a change.
 */
export function otherIds(text: string): unknown[] {
  const [, , , inner] = MONGOSH.exec(text) ?? [];
  const plain = inner ?? textIn(text) ?? text.trim().replace(/^(["'`])(.*)\1$/, "$2");
  return [plain, plain.toLowerCase(), plain.toUpperCase()].flatMap(idsIn);
}

/** The text within an id that is typed as Extended JSON, such as the digits of an ObjectId. */
function textIn(text: string): string | undefined {
  try {
    const values = Object.values(JSON.parse(text));
    return values.length === 1 && typeof values[0] === "string" ? values[0] : undefined;
  } catch {
    return undefined;
  }
}

function idsIn(text: string): unknown[] {
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
