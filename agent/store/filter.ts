import { EJSON } from "bson";
import type { Document, Filter } from "mongodb";

/**
 * The query that `FILTER` says.
 *
 * @throws {Error} Where the text is no Extended JSON; the message completes "FILTER ...".
 */
export function parseFilter(text: string): Filter<Document> {
  try {
    return EJSON.parse(text, { relaxed: true }) as Filter<Document>;
  } catch (error) {
    throw new Error(`is not Extended JSON: ${(error as Error).message}`);
  }
}
