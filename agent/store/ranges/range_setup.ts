import type { Collection, Document } from "mongodb";
import { ClaimModeError } from "../../errors.ts";
import { isForbidden, isNoCollection } from "../mongo_errors.ts";
import { NOW } from "../server/server_time.ts";
import type { StoreServer } from "../server/store_server.ts";

/**
 * Looks whether a collection can be claimed by ranges. Throws what the driver throws.
 *
 * @throws {ClaimModeError} If not.
 */
export async function refuseSetup({ collection, isSharded, server }: RangeSetup): Promise<void> {
  const why = isSharded()
    ? "a sharded cluster has no order of ids that one write can name"
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
  /** Whether the agent is connected to a router. */
  isSharded(): boolean;
  server: Pick<StoreServer, "time">;
}
