import type { Collection, Document, Filter } from "mongodb";

/** The letter of another collection stands where ours belongs. */
export class OtherLetterError extends Error {
  override readonly name = "OtherLetterError";
}

/**
 * The letters of a collection; one whose source was edited away counts as such. Only the name of the collection is
 * compared: letters never leave their database, which a restored copy may call otherwise.
 */
export function lettersOf({ collectionName }: Collection): Filter<Document> {
  return { "source.collection": { $in: [collectionName, null] } };
}

/** The letters of all others that are kept in the same place: they are neither shown, replaced nor removed. */
export function lettersOfOthers({ collectionName }: Collection): Filter<Document> {
  return { "source.collection": { $nin: [collectionName, null] } };
}

/**
 * For a letter that found its place taken.
 *
 * @throws {OtherLetterError} Where it is another collection's that stands there: neither letter may be lost.
 */
export async function refuseOthers(
  id: unknown,
  { collection, letters, maxTimeMS }: { collection: Collection; letters: Collection; maxTimeMS: number },
): Promise<void> {
  const query = { _id: { $eq: id } as never, ...lettersOfOthers(collection) };
  const other = await letters.findOne(query, { projection: { source: 1 }, maxTimeMS });
  if (!other) return;
  throw new OtherLetterError(
    `The dead letter cannot be written: ${letters.collectionName} holds the letter of a document of ` +
      `${other.source.collection} with the same _id: set DEAD_LETTER_COLLECTION to a collection of its own`,
  );
}
