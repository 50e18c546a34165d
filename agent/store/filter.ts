import { BSON, type Document, type Filter, MongoServerError } from "mongodb";
import { errorText } from "../errors.ts";
import { isPlain } from "../lib/plain_object.ts";
import { textWithConditions } from "../lib/regex_operators.ts";
import { isTransient } from "./mongo_errors.ts";

/**
 * The query in a text.
 *
 * @throws {Error} if the text is not one; the message completes "FILTER ..." or "--filter ...".
 */
export function parseFilter(text: string): Filter<Document> {
  let filter: unknown;
  try {
    // Not relaxed: a $numberLong beyond 2^53 would be rounded to a number that matches something else.
    filter = BSON.EJSON.parse(textWithConditions(text), { relaxed: false });
  } catch (error) {
    throw new Error(`is not Extended JSON such as {"kind": "order"}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  // Extended JSON may turn a JSON object, such as {"$oid": "..."}, into a value.
  if (!isPlain(filter)) {
    throw new Error(`must be a query: an object in Extended JSON, as {"kind": "order"}`);
  }
  return filter as Filter<Document>;
}

/** Fields that the agent itself writes: a query of the user's on them would hide documents from it halfway. */
const AGENT_FIELD = /^(_pull|status|processed_at|error)(\.|$)/;

/**
 * The same for a query on the source collection, the one in `FILTER`. It is parsed once, at the start.
 *
 * @throws {Error} if it asks for a field of the agent's own as well, or in a way that no claim can
 */
export function parseSourceFilter(text: string): Filter<Document> {
  const filter = parseFilter(text);
  const unusable = operatorsIn(filter).find((operator) => Object.hasOwn(REFUSED_OPERATORS, operator));
  if (unusable !== undefined) {
    throw new Error(`uses ${unusable}, which cannot be part of a claim: ${REFUSED_OPERATORS[unusable]}`);
  }
  const field = fieldsOf(filter).find((name) => AGENT_FIELD.test(name));
  if (field === undefined) return filter;
  throw new Error(
    `asks for ${field}, which the agent writes itself: leave it out, the agent adds what it needs ` +
      "(a document that is being processed, or failed once, would not be found again)",
  );
}

/** The fields that a query names, also within `$and` and similar operators. */
function fieldsOf(query: Document): string[] {
  return Object.entries(query).flatMap(([key, value]) => {
    if (!key.startsWith("$")) return [key];
    return Array.isArray(value) && ["$and", "$or", "$nor"].includes(key)
      ? value.filter((part) => part !== null && typeof part === "object").flatMap(fieldsOf)
      : [];
  });
}

const NO_DISTANCE = "it sorts by distance, and claims have an order of their own: use $geoWithin instead";

/** Operators that MongoDB refuses in a query with a hint or a sort, and what to use instead. */
const REFUSED_OPERATORS: Record<string, string> = {
  $text: "a text search takes no hint: use $regex, or a field that says which documents are meant",
  $near: NO_DISTANCE,
  $nearSphere: NO_DISTANCE,
  $geoNear: NO_DISTANCE,
};

function operatorsIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(operatorsIn);
  if (typeof value !== "object" || value === null || "_bsontype" in value) return [];
  return Object.entries(value).flatMap(([name, inner]) => [
    ...(name.startsWith("$") ? [name] : []),
    ...operatorsIn(inner),
  ]);
}

/** MongoDB refuses the query of which `FILTER` is a part. */
export class FilterError extends Error {
  override readonly name = "FilterError";

  constructor(error: unknown) {
    super(
      `MongoDB refuses the query for documents, of which FILTER is a part: ${errorText(error)}: mend FILTER`,
      { cause: error },
    );
  }
}

/** The error of a read. It names `FILTER` if that is the part of the query that MongoDB can refuse. */
export function filterAtFault(error: unknown, filter: Filter<Document> | undefined): unknown {
  if (filter === undefined || !(error instanceof MongoServerError) || isTransient(error)) return error;
  return new FilterError(error);
}
