import { BSON, type Document, type Filter } from "mongodb";

/**
 * The query that `FILTER` says.
 *
 * @throws {Error} Where the text is no Extended JSON; the message completes "FILTER ...".
 */
export function parseFilter(text: string): Filter<Document> {
  try {
    // Not relaxed: a $numberLong beyond 2^53 would be rounded to a number that matches something else.
    return BSON.EJSON.parse(text, { relaxed: false }) as Filter<Document>;
  } catch (error) {
    throw new Error(`is not Extended JSON: ${(error as Error).message}`);
  }
}
