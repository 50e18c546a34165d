import type { Collection, Document } from "mongodb";
import { conditionOf, valuesAt } from "../claims/key_waits.ts";
import { RawDocument } from "../documents/raw_document.ts";
import { isForbidden } from "../mongo_errors.ts";
import { CLAUSES } from "../queries.ts";
import type { FoundDocument } from "./found_document.ts";

/** A claim that has to wait for another document, because a unique index allows one of its key. */
export interface UniqueIndexWait {
  readonly index: string;
  /** The fields of the index, and the document's values. */
  readonly key: Document;
  /** The `_id` of the document that has the key. */
  readonly holderId: unknown;
  /** Whether an agent holds that document, or held it and another one takes it over: the wait will end. */
  readonly isHeld: boolean;
}

/**
 * Looks for a document that has the key that this one would have once it is claimed. Only plain values are compared: a
 * value in an array may be any of several keys. Undefined if there is none, or if the indexes cannot be seen.
 *
 * @param claimed stages of an aggregation that make the document as it would be then
 */
export async function uniqueIndexWait(
  { selector }: FoundDocument,
  claimed: readonly Document[],
  { collection, maxTimeMS }: { collection: Collection; maxTimeMS: number },
): Promise<UniqueIndexWait | undefined> {
  for (const index of await uniqueIndexesOf(collection)) {
    const { collation, key, name, partialFilterExpression: part } = index;
    const within = part === undefined ? [] : [{ $match: part }];
    const [bytes] = await collection.aggregate<Uint8Array>([...claimed, ...within], {
      raw: true,
      maxTimeMS,
      ...(collation && { collation }),
    }).toArray() as unknown as Uint8Array[];
    const document = bytes && new RawDocument(bytes).peek();
    if (document === undefined) continue;
    const fields = Object.keys(key);
    const values = valuesAt(document, fields);
    if (fields.some((path) => isInArray(document, path))) continue;
    if (index.sparse && values.every((value) => value === null)) continue;
    const others = { $and: [{ $nor: [selector] }, conditionOf(fields, values), part ?? {}] };
    const [other] = await collection.find<Uint8Array>(others, {
      projection: { _id: 1 },
      limit: 1,
      raw: true,
      maxTimeMS,
      ...(collation && { collation }),
    }).toArray();
    if (other === undefined) continue;
    const holderId = new RawDocument(other).id;
    const held = { $and: [{ _id: { $eq: holderId as never } }, CLAUSES.processing, CLAUSES.hasToken] };
    const isHeld = await collection.countDocuments(held, { limit: 1, maxTimeMS }) > 0;
    const own = fields.map((field, at) => [field, values[at]]);
    return { index: name, key: Object.fromEntries(own), holderId, isHeld };
  }
  return undefined;
}

/** The unique indexes besides that of `_id`; none if the agent has no right to list them. */
async function uniqueIndexesOf(collection: Collection): Promise<Document[]> {
  try {
    return (await collection.listIndexes().toArray()).filter(({ unique }) => unique);
  } catch (error) {
    if (isForbidden(error)) return [];
    throw error;
  }
}

/** Whether an array is at this path, or on the way to it. */
function isInArray(document: Document, path: string): boolean {
  let value: unknown = document;
  for (const name of path.split(".")) {
    if (typeof value !== "object" || value === null) return false;
    value = (value as Document)[name];
    if (Array.isArray(value)) return true;
  }
  return false;
}
