/**
 * The limit: it claims and acks in batches and does nothing else. It has no leases that expire, no attempts, no
 * retries, no bounds, and a killed process loses the documents that it holds. It shows the most that the driver and the
 * server can do.
 */
import { MongoClient } from "mongodb";

const [uri, database, collection, size] = Deno.args as [string, string, string, string];
const client = new MongoClient(uri);
const documents = client.db(database).collection(collection);
const limit = Number(size);

async function work(_document: unknown): Promise<void> {}

let acked: Promise<unknown> = Promise.resolve();
for (;;) {
  const batch = await documents.find({ status: "pending" }, { limit, batchSize: limit, singleBatch: true })
    .toArray();
  if (batch.length === 0) break;
  const ids = batch.map(({ _id }) => _id);
  const token = crypto.randomUUID();
  const { matchedCount } = await documents.updateMany({ _id: { $in: ids }, status: "pending" }, {
    $set: { status: "processing", token },
  });
  if (matchedCount < ids.length) {
    throw new Error("Somebody else claims here: the limit is of one program alone");
  }
  await Promise.all(batch.map(work));
  // The next claim overlaps this ack.
  await acked;
  acked = documents.updateMany({ _id: { $in: ids }, token }, {
    $set: { status: "processed" },
    $currentDate: { processed_at: true },
    $unset: { token: "" },
  });
}
await acked;
await client.close();
