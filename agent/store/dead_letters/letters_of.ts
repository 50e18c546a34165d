import type { Collection, Document, Filter } from "mongodb";
import { formatId } from "../documents/format_id.ts";
import { idKey } from "../documents/id_key.ts";
import type { DeadLetterOptions } from "./options.ts";

/** Two ids are the same only if their values are, for any collation of the letters' collection. */
export const SIMPLE = { locale: "simple" };

/**
 * The dead-letter collection does not take a letter, and no retry changes that: its document waits with its verdict.
 */
export class LetterRefusedError extends Error {
  override readonly name: string = "LetterRefusedError";
}

/** Under the `_id` of our letter there is one of another collection, or of another document. */
export class OtherLetterError extends LetterRefusedError {
  override readonly name = "OtherLetterError";
}

/**
 * The letters of a collection; a letter whose source was edited away counts as such. Only the name of the collection is
 * compared: letters never leave their database, and a restored copy of the database may have another name.
 */
export function lettersOf({ collectionName }: Collection): Filter<Document> {
  return { "source.collection": { $in: [collectionName, null] } };
}

/** The letters of other collections that are kept in the same place: they are neither shown, replaced nor removed. */
export function lettersOfOthers({ collectionName }: Collection): Filter<Document> {
  return { "source.collection": { $nin: [collectionName, null] } };
}

/**
 * Whether there is a letter of this collection under an id.
 *
 * @throws {OtherLetterError} If the id belongs to another letter: neither letter may be lost.
 */
export async function isThere(
  id: unknown,
  { collection, letters, maxTimeMS }: DeadLetterOptions,
): Promise<boolean> {
  const query = { _id: { $eq: id } as never };
  const found = await letters.findOne(query, { projection: { "source.collection": 1 }, maxTimeMS });
  if (!found) return false;
  // Only the server knows for sure which ids are the same: it is asked about those that look different here.
  if (idKey(found._id) !== idKey(id) && !await letters.findOne(query, { collation: SIMPLE, maxTimeMS })) {
    throw new OtherLetterError(
      `The dead letter cannot be written: ${letters.collectionName} holds the letter of ${
        formatId(found._id)
      }, ` +
        "which its collation takes for the same _id: set DEAD_LETTER_COLLECTION to a collection without a collation",
    );
  }
  const other = found.source?.collection ?? collection.collectionName;
  if (other === collection.collectionName) return true;
  throw new OtherLetterError(
    `The dead letter cannot be written: ${letters.collectionName} holds the letter of a document of ` +
      `${other} with the same _id: set DEAD_LETTER_COLLECTION to a collection of its own`,
  );
}
