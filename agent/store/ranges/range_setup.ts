import type { Collection, Document } from "mongodb";
import { ClaimModeError } from "../../errors.ts";
import { isForbidden, isNoCollection } from "../mongo_errors.ts";
import { NOW } from "../server/server_time.ts";
import type { StoreServer } from "../server/store_server.ts";

/** The wire version of MongoDB 5.0, the first that looks for a part of an index by an expression. */
const OF_5_0 = 13;

/**
 * Looks whether a collection can be claimed by ranges. Throws what the driver throws.
 *
 * @throws {ClaimModeError} If not.
 */
export async function refuseSetup({ collection, hello, server }: RangeSetup): Promise<void> {
  const { maxWireVersion = OF_5_0, msg } = hello() ?? {};
  const why = msg === "isdbgrid"
    ? "a sharded cluster has no order of ids that one write can name"
    : maxWireVersion < OF_5_0
    ? "MongoDB before 5.0 reads all that waits to find what lies between two ids"
    : server.time !== NOW
    ? "the server lacks $$NOW in the filters of writes"
    : obstacleIn(await indexesOf(collection));
  if (why === undefined) return;
  throw new ClaimModeError(`CLAIM_MODE is range, and ${why}: use CLAIM_MODE=document`);
}

/** None if there is no collection, or if the agent has no right to list them. */
async function indexesOf(collection: Collection): Promise<Document[]> {
  try {
    return await collection.listIndexes().toArray();
  } catch (error) {
    if (isNoCollection(error) || isForbidden(error)) return [];
    throw error;
  }
}

function obstacleIn(indexes: readonly Document[]): string | undefined {
  const ofId = indexes.find(({ key }) => Object.keys(key).join() === "_id");
  if (ofId?.collation !== undefined) {
    return "the collection has a collation, by which ids are in another order than the agents compare them";
  }
  const ofHolders = indexes.find(({ partialFilterExpression, unique }) =>
    unique && JSON.stringify(partialFilterExpression ?? {}).includes('"processing"')
  );
  if (ofHolders === undefined) return undefined;
  return `the unique index ${ofHolders.name} goes by the status processing, which documents in a range do not have`;
}

/** What {@linkcode refuseSetup} looks at. */
export interface RangeSetup {
  collection: Collection;
  /** What the server says of itself; undefined as long as it has not. */
  hello(): Document | undefined;
  server: Pick<StoreServer, "time">;
}
