/** The documents as messages of mongodb-queue: `fill` makes them, `drain` processes them. */
import { promisify } from "node:util";
import { textOf } from "../documents.ts";
import packages from "./packages.json" with { type: "json" };

const { default: mongoDbQueue } = await import(packages.mongodb_queue);
// It needs callbacks, which newer drivers do not have: this is the last driver that it works with.
const { MongoClient } = (await import(packages.mongodb_queue_driver)).default;

/** Messages in work at once: it takes and acks them one by one. */
const CONCURRENCY = 4;

const [mode, uri, database, collection, count] = Deno.args as [string, string, string, string, string];
const client = await MongoClient.connect(uri, { useUnifiedTopology: true, poolSize: CONCURRENCY });
const queue = mongoDbQueue(client.db(database), collection);
const get = promisify(queue.get.bind(queue));
const ack = promisify(queue.ack.bind(queue));

if (mode === "fill") {
  await promisify(queue.createIndexes.bind(queue))();
  const text = textOf(300);
  await promisify(queue.add.bind(queue))(Array.from({ length: Number(count) }, () => ({ text })));
} else {
  await Promise.all(Array.from({ length: CONCURRENCY }, async () => {
    for (let message = await get(); message; message = await get()) await ack(message.ack);
  }));
}
Deno.exit(0);
