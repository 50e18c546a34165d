import type { Collection, Db, Document } from "mongodb";

/** How a collection is divided among the shards of a cluster. */
export interface ShardKey {
  readonly key: Readonly<Document>;
  /** The field that comes first in it, if its values rise with time: the newest documents are on one shard. */
  readonly rising: string | undefined;
}

/** The keys by which a cluster divides the agent's collections; undefined for one that is on one shard. */
export interface ShardKeys {
  readonly shards: number;
  readonly source: ShardKey | undefined;
  readonly letters: ShardKey | undefined;
}

/** Documents that are asked for the type of a field. */
const ASKED = 20;

/** BSON types whose values programs make from the time. */
const OF_TIME: ReadonlySet<unknown> = new Set(["objectId", "date", "timestamp"]);

/**
 * Asks a cluster by which keys it divides collections. It needs the right to read `config`. Throws what the driver throws.
 *
 * @param config the database `config` of the cluster
 */
export async function shardKeys(
  config: Db,
  { letters, source }: { letters: Collection; source: Collection },
  { maxTimeMS }: { maxTimeMS: number },
): Promise<ShardKeys> {
  const keyOf = async (collection: Collection): Promise<ShardKey | undefined> => {
    const _id = `${collection.dbName}.${collection.collectionName}`;
    const found = await config.collection<Document>("collections").findOne({ _id: _id as never }, {
      maxTimeMS,
    });
    // Some versions also keep collections here that are on one shard, or that were dropped.
    if (!found?.key || found.dropped || found.unsplittable) return undefined;
    return { key: found.key, rising: await risingField(collection, found.key, maxTimeMS) };
  };
  const [shards, ofSource, ofLetters] = await Promise.all([
    config.collection("shards").countDocuments({}, { maxTimeMS }),
    keyOf(source),
    keyOf(letters),
  ]);
  return { shards, source: ofSource, letters: ofLetters };
}

async function risingField(
  collection: Collection,
  key: Document,
  maxTimeMS: number,
): Promise<string | undefined> {
  const [[field, order] = ["", 1]] = Object.entries(key);
  if (order === "hashed") return undefined;
  const types = await collection.aggregate([
    { $limit: ASKED },
    { $group: { _id: { $type: `$${field}` } } },
  ], { maxTimeMS }).toArray();
  return types.length > 0 && types.every(({ _id }) => OF_TIME.has(_id)) ? field : undefined;
}
