import { type AnyBulkWriteOperation, type Collection, MongoBulkWriteError } from "mongodb";
import { isRefused, isTransient, isTransientWrite } from "./mongo_errors.ts";

/** What became of writes that were sent together. */
export interface WritesApart<Item> {
  /** How many documents were updated or removed; at least so many, if there is a `failure`. */
  readonly count: number;
  /** The items whose write the server refuses for good, and why. */
  readonly refused: ReadonlyMap<Item, unknown>;
  /** The trouble that has kept some from being made, or their answer from coming. */
  readonly failure?: { readonly cause: unknown };
}

/**
 * Sends a write per item, each with a filter of its own, in one command. A write that is refused does not keep the others
 * from being made. If an answer of a replica set is lost, the driver sends the command again, and the server makes none of
 * the writes twice. Never throws.
 */
export async function writeApart<Item>(
  collection: Collection,
  items: readonly Item[],
  operationOf: (item: Item) => AnyBulkWriteOperation,
): Promise<WritesApart<Item>> {
  if (items.length === 0) return { count: 0, refused: new Map() };
  try {
    const { deletedCount, matchedCount } = await collection.bulkWrite(items.map(operationOf), {
      ordered: false,
    });
    return { count: matchedCount + deletedCount, refused: new Map() };
  } catch (cause) {
    const { count, errors } = answerIn(cause);
    if (errors.length > 0) {
      const lasting = errors.filter((error) => !isTransientWrite(error));
      const refused = new Map(lasting.map((error) => [items[error.index]!, error] as const));
      return { count, refused, ...(isTransient(cause) && { failure: { cause } }) };
    }
    if (!isRefused(cause)) return { count, refused: new Map(), failure: { cause } };
    if (items.length === 1) return { count: 0, refused: new Map([[items[0]!, cause]]) };
  }
  // None can be sent, because of one of them.
  return await oneByOne(collection, items, operationOf);
}

async function oneByOne<Item>(
  collection: Collection,
  items: readonly Item[],
  operationOf: (item: Item) => AnyBulkWriteOperation,
): Promise<WritesApart<Item>> {
  const refused = new Map<Item, unknown>();
  let count = 0;
  for (const item of items) {
    const alone = await writeApart(collection, [item], operationOf);
    count += alone.count;
    for (const [one, why] of alone.refused) refused.set(one, why);
    if (alone.failure) return { count, refused, failure: alone.failure };
  }
  return { count, refused };
}

/** What the server has answered to a bulk that has failed, as far as it has. */
function answerIn(error: unknown) {
  if (!(error instanceof MongoBulkWriteError)) return { count: 0, errors: [] };
  const { deletedCount, matchedCount, writeErrors } = error;
  return { count: matchedCount + deletedCount, errors: [writeErrors ?? []].flat() };
}
