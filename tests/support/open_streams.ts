import type { Long } from "bson";
import type { TestDatabase } from "./mongod.ts";

/** The cursors of the change streams that a server has open on a collection, by its own account. */
export async function openStreams({ client, name }: TestDatabase, collection: string): Promise<Long[]> {
  const found = await client.db("admin").aggregate([
    { $currentOp: { allUsers: true, idleCursors: true, localOps: true } },
    {
      $match: {
        ns: `${name}.${collection}`,
        "cursor.originatingCommand.pipeline.0.$changeStream": { $exists: true },
      },
    },
  ]).toArray();
  return found.map(({ cursor }) => cursor.cursorId);
}
