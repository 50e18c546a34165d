/**
 * The limit of range claims: it moves a position in the order of the ids by one write for a whole batch, and acks the batch.
 * Its ranges are written down, but do not run out: no process takes over those of another. It has no attempts, no retries,
 * no bounds, and misses what is inserted behind the position. It shows the most that the driver and the server can do.
 *
 * Several may run at once. They begin as soon as the document of the ranges is there.
 */
import { MongoClient, type ObjectId } from "mongodb";

/** Acks under way while the next batch is claimed. */
const ACKS = 2;
const LEASE_MS = 60_000;
/** Between two looks for the document of the ranges, in milliseconds. */
const LOOK_MS = 5;

const [uri, database, collection, size] = Deno.args as [string, string, string, string];
const client = new MongoClient(uri);
const documents = client.db(database).collection(collection);
const ranges = client.db(database).collection<{ _id: string; position?: ObjectId | null }>(
  `${collection}_agents`,
);
const limit = Number(size);
const owner = crypto.randomUUID();

async function work(_document: unknown): Promise<void> {}

async function readPosition(): Promise<ObjectId | null> {
  const found = await ranges.findOne({ _id: "ranges" }, { projection: { position: 1 } });
  return found?.position ?? null;
}

async function settle(ids: readonly ObjectId[], token: string): Promise<void> {
  await documents.updateMany({ _id: { $in: ids }, status: "pending", _pull: { $exists: false } }, {
    $set: { status: "processed", _pull: { attempts: 1 } },
    $currentDate: { processed_at: true },
  }, { hint: { _id: 1 } });
  await ranges.updateOne({ _id: "ranges" }, { $pull: { ranges: { token } } } as object);
}

await documents.findOne({});
await ranges.insertOne({ _id: owner });
while (await ranges.findOne({ _id: "ranges" }) === null) await new Promise((r) => setTimeout(r, LOOK_MS));

let position = await readPosition();
const acks: Promise<void>[] = [];
for (;;) {
  const batch = await documents.find({
    status: "pending",
    "_pull.visible_at": null,
    ...position && { _id: { $gt: position } },
  }, { sort: { "_pull.visible_at": 1, _id: 1 }, limit, batchSize: limit, singleBatch: true }).toArray();
  const [before, last] = [position, batch.at(-1)];
  if (last === undefined) {
    // Others may have been faster.
    position = await readPosition();
    if (String(position) === String(before)) break;
    continue;
  }
  const token = crypto.randomUUID();
  const range = { from: before, to: last._id, token, owner, visible_at: new Date(Date.now() + LEASE_MS) };
  const { matchedCount } = await ranges.updateOne(
    { _id: "ranges", position: before },
    { $set: { position: last._id }, $push: { ranges: range } } as object,
  );
  position = matchedCount === 1 ? last._id : await readPosition();
  if (matchedCount === 0) continue;
  await Promise.all(batch.map(work));
  if (acks.length === ACKS) await acks.shift();
  acks.push(settle(batch.map(({ _id }) => _id), token));
}
await Promise.all(acks);
await client.close();
