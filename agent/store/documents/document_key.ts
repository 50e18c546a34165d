import { BSON } from "mongodb";

/**
 * An `_id` of any type as text that names it exactly: what {@linkcode idOfKey} reads. Undefined if there is no such text.
 */
export function documentKey(id: unknown): string | undefined {
  try {
    return BSON.EJSON.stringify(id, { relaxed: false });
  } catch {
    return undefined;
  }
}

/** The `_id` that a text names. Throws an error if it names none. */
export function idOfKey(key: string): unknown {
  // As the driver reads it from a document: of EJSON, each number would be an object.
  const { id } = BSON.deserialize(BSON.serialize({ id: BSON.EJSON.parse(key, { relaxed: false }) }));
  // In a query, a regular expression would mean all ids that it matches.
  if (id === undefined || id instanceof RegExp || id instanceof BSON.BSONRegExp) {
    throw new Error("names no _id");
  }
  return id;
}
