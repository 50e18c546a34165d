/**
 * The loop that people write by hand, in TypeScript: read a hundred pending documents, work on each, update each.
 */
import { MongoClient } from "mongodb";

const [uri, database, collection] = Deno.args as [string, string, string];
const client = new MongoClient(uri);
const documents = client.db(database).collection(collection);

async function work(_document: unknown): Promise<void> {}

for (;;) {
  const batch = await documents.find({ status: "pending" }).limit(100).toArray();
  if (batch.length === 0) break;
  for (const document of batch) {
    await work(document);
    await documents.updateOne({ _id: document._id }, {
      $set: { status: "processed", processed_at: new Date() },
    });
  }
}
await client.close();
