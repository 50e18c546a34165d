import { BSON, type Document, type Filter } from "mongodb";
import { isPlain } from "../../lib/plain_object.ts";

/** Operators of a query whose value is a list of queries. */
const OF_QUERIES = new Set(["$and", "$nor", "$or"]);
/** Operators on a field that mean the same in any order. A value with another one may be a literal, such as a DBRef. */
const OF_FIELD = new Set([
  "$all",
  "$bitsAllClear",
  "$bitsAllSet",
  "$bitsAnyClear",
  "$bitsAnySet",
  "$elemMatch",
  "$eq",
  "$exists",
  "$gt",
  "$gte",
  "$in",
  "$lt",
  "$lte",
  "$mod",
  "$ne",
  "$nin",
  "$not",
  "$options",
  "$regex",
  "$size",
  "$type",
]);

/**
 * A filter in one form, to be compared with that of the ranges; undefined if there is none. Where the order of fields means
 * nothing to MongoDB it counts for nothing: in a query, and among the operators on one field. Everywhere else it counts, as
 * in a literal document: two filters that differ in more than that are different.
 */
export function filterText(filter: Filter<Document> | undefined): string | undefined {
  return filter && BSON.EJSON.stringify(queryIn(filter), { relaxed: false });
}

function queryIn(query: Document): Document {
  return sorted(query, (name, value) => {
    if (OF_QUERIES.has(name) && Array.isArray(value)) {
      return value.map((each) => isEmbedded(each) ? queryIn(each) : each);
    }
    return name.startsWith("$") ? value : conditionIn(value);
  });
}

function conditionIn(value: unknown): unknown {
  if (!isEmbedded(value) || !Object.keys(value).every((name) => OF_FIELD.has(name))) return value;
  return sorted(value, (_, each) => each);
}

/** With the fields in the order of their names. */
function sorted(fields: Document, valueOf: (name: string, value: unknown) => unknown): Document {
  const names = Object.keys(fields).sort();
  return Object.fromEntries(names.map((name) => [name, valueOf(name, fields[name])]));
}

/** Whether a value is an embedded document, and no value of BSON's. */
function isEmbedded(value: unknown): value is Document {
  return isPlain(value) && !("_bsontype" in value);
}
