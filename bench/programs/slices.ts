/**
 * Records in slices: a document holds many records, and is claimed, and removed, as one. That is how Rocket Job keeps the
 * records of a batch job. This is not Rocket Job, which is in Ruby, but its way to store records, with the driver of this
 * benchmark. It gives no record a state, retries nothing, and leaves the slice of a killed process as it is.
 *
 * It prints when the first slice and the last were done: none is left to tell it.
 */
import { MongoClient } from "mongodb";

/** Slices in work at once: each is claimed and removed by itself. */
const CONCURRENCY = 4;

const [uri, database, collection] = Deno.args as [string, string, string];
const client = new MongoClient(uri);
const slices = client.db(database).collection<{ state: string; records: unknown[] }>(collection);
const worker = crypto.randomUUID();
let [firstMs, first, done] = [0, 0, 0];

async function work(_record: unknown): Promise<void> {}

/** More exact than a whole number: few slices take a moment. */
function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

await Promise.all(Array.from({ length: CONCURRENCY }, async () => {
  for (;;) {
    const slice = await slices.findOneAndUpdate(
      { state: "queued" },
      { $set: { state: "running", worker }, $currentDate: { started_at: true } },
      { sort: { _id: 1 }, returnDocument: "after" },
    );
    if (!slice) return;
    await Promise.all(slice.records.map(work));
    await slices.deleteOne({ _id: slice._id });
    done += slice.records.length;
    if (firstMs > 0) continue;
    [firstMs, first] = [nowMs(), slice.records.length];
  }
}));
console.log(JSON.stringify({ firstMs, lastMs: nowMs(), after: done - first }));
await client.close();
