/**
 * Loops that people write by hand, which are killed: they go on until then. `read` reads a hundred documents and updates each
 * when it is done; `claim` marks each one as taken before.
 */
import { MongoClient, type ObjectId } from "mongodb";
import { work } from "./killed_work.ts";

const [mode, uri, database, collection] = Deno.args as [string, string, string, string];
const client = new MongoClient(uri);
const documents = client.db(database).collection(collection);

async function process({ _id, number }: { _id: ObjectId; number?: number }): Promise<void> {
  await work(String(number));
  await documents.updateOne({ _id }, { $set: { status: "processed", processed_at: new Date() } });
}

for (;;) {
  const batch = mode === "read" ? await documents.find({ status: "pending" }).limit(100).toArray() : [];
  for (const document of batch) await process(document);
  const taken = mode === "claim"
    ? await documents.findOneAndUpdate({ status: "pending" }, { $set: { status: "processing" } })
    : null;
  if (taken) await process(taken);
  if (batch.length === 0 && !taken) await new Promise((resolve) => setTimeout(resolve, 100));
}
