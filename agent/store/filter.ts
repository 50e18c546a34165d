import { BSON, type Document, type Filter } from "mongodb";

/**
 * The query that `FILTER` says.
 *
 * @throws {Error} Where the text is no Extended JSON; the message completes "FILTER ...".
 */
export function parseFilter(text: string): Filter<Document> {
  let filter: unknown;
  try {
    // Not relaxed: a $numberLong beyond 2^53 would be rounded to a number that matches something else.
    filter = BSON.EJSON.parse(text, { relaxed: false });
  } catch (error) {
    throw new Error(`is not Extended JSON: ${(error as Error).message}`);
  }
  // Of an object of JSON, such as {"$oid": "..."}, Extended JSON may make a value.
  if (filter === null || ![Object.prototype, null].includes(Object.getPrototypeOf(filter))) {
    throw new Error(`must be a query: an object in Extended JSON, as {"kind": "order"}`);
  }
  return filter as Filter<Document>;
}
