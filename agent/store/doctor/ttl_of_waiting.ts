import type { Collection, Document } from "mongodb";

/**
 * The names of the TTL indexes, among `indexes`, by which the server removes documents that wait or are being processed:
 * those that have a date in the field. Throws what the driver throws.
 */
export async function ttlOfWaiting(
  collection: Collection,
  indexes: readonly Document[],
  { maxTimeMS }: { maxTimeMS: number },
): Promise<readonly string[]> {
  const found = await Promise.all(
    indexes.filter(({ expireAfterSeconds }) => expireAfterSeconds !== undefined).map(
      async ({ key, name, partialFilterExpression }) => {
        const [field = ""] = Object.keys(key);
        const waiting = { status: { $in: ["pending", "processing"] }, [field]: { $type: "date" } };
        const some = await collection.find({ $and: [waiting, partialFilterExpression ?? {}] }, {
          projection: { _id: 1 },
          limit: 1,
          raw: true,
          maxTimeMS,
        }).toArray();
        return some.length > 0 ? [name as string] : [];
      },
    ),
  );
  return found.flat();
}
