import type { Collection, Document } from "mongodb";
import { isForbidden, isNoCollection } from "../mongo_errors.ts";

/** So many letters a server sorts for a command: that takes it about a second. */
const MOST_SORTED = 100_000;

/** In which order letters are read: the server sorts them, or they come by an index. `by_id`: the oldest is not the first. */
export type LetterOrder = { readonly by: "sort" | "id" } | { readonly by: "date"; readonly index: string };

/**
 * How letters are read so that their number does not matter: a server that sorts millions of them reads them all before it
 * gives the first, longer than its answer is waited for. Many letters are read by an index on `dead_at`, such as the one
 * that removes old letters; without it, by `_id`. Throws what the driver throws.
 */
export async function letterOrder(letters: Collection): Promise<LetterOrder> {
  if (await letters.estimatedDocumentCount() <= MOST_SORTED) return { by: "sort" };
  const index = await indexByDate(letters);
  return index === undefined ? { by: "id" } : { by: "date", index };
}

/** The name of an index that has all letters by their dates, if there is one. Throws what the driver throws. */
export async function indexByDate(letters: Collection): Promise<string | undefined> {
  return (await indexesOf(letters)).find(isByDate)?.name;
}

async function indexesOf(letters: Collection): Promise<Document[]> {
  try {
    return await letters.listIndexes().toArray();
  } catch (error) {
    if (isForbidden(error) || isNoCollection(error)) return [];
    throw error;
  }
}

/** Whether an index has all letters, by their dates. */
function isByDate({ hidden, key, partialFilterExpression, sparse }: Document): boolean {
  return Object.entries(key)[0]?.join() === "dead_at,1" && !hidden && !sparse && !partialFilterExpression;
}
