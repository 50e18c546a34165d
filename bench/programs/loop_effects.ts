/**
 * The hand-written loop with an effect for each document, exactly once: a transaction has both the effect and the mark.
 */
import { MongoClient } from "mongodb";

const [uri, database, collection] = Deno.args as [string, string, string];
const client = new MongoClient(uri);
const documents = client.db(database).collection(collection);
const effects = client.db(database).collection("effects");

await client.withSession(async (session) => {
  for (;;) {
    const batch = await documents.find({ status: "pending" }).limit(100).toArray();
    if (batch.length === 0) break;
    for (const { _id } of batch) {
      await session.withTransaction(async () => {
        await effects.insertOne({ of: _id }, { session });
        await documents.updateOne({ _id }, {
          $set: { status: "processed", processed_at: new Date() },
        }, { session });
      });
    }
  }
});
await client.close();
