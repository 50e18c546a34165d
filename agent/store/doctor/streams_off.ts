import { type Db, MongoServerError } from "mongodb";
import { isSwitchedOff } from "../wake_stream.ts";

/** Whether a server has change streams, and they are off for a collection. Throws what the driver throws. */
export async function areStreamsOff(db: Db, collection: string): Promise<boolean> {
  try {
    const { cursor } = await db.command({
      aggregate: collection,
      pipeline: [{ $changeStream: {} }],
      cursor: { batchSize: 0 },
      readConcern: { level: "majority" },
    });
    await db.command({ killCursors: collection, cursors: [cursor.id] });
  } catch (error) {
    // Another refusal tells that it has none, or that the right is missing.
    if (error instanceof MongoServerError) return isSwitchedOff(error);
    throw error;
  }
  return false;
}
