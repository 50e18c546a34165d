import { freshCollection } from "./bench.ts";
import type { OnMongo } from "./candidate.ts";
import { BYTES, LOTS, textOf } from "./documents.ts";
import type { Span } from "./drained.ts";
import { runProgram } from "./programs.ts";

/** Records of a slice: 100 is the default of Rocket Job. */
const SIZES = [100, 1000];
/** Slices that one insert takes, at most: a command has 48 MB. */
const INSERTED = 50;

/** Records in slices, which are claimed as one. */
export const SLICES: OnMongo[] = SIZES.map((size) => ({
  id: `slices-${size}`,
  name: "Slices: many records in one document, as Rocket Job stores them",
  settings: `${size} records in a slice, 4 at once`,
  kind: "limit",
  documents: LOTS,
  async prepare(bench, count) {
    const collection = await freshCollection(bench, "slices");
    await collection.createIndex({ state: 1, _id: 1 });
    const text = textOf(BYTES);
    const slices = Array.from({ length: Math.ceil(count / size) }, (_, n) => ({
      state: "queued",
      records: Array.from({ length: Math.min(size, count - n * size) }, () => ({ text })),
    }));
    for (let n = 0; n < slices.length; n += INSERTED) {
      await collection.insertMany(slices.slice(n, n + INSERTED));
    }
    return collection;
  },
  async drain(bench, collection, count) {
    const printed = await runProgram(bench, "slices", { collection: collection.collectionName });
    const span: Span = JSON.parse(printed);
    return async () => ({ span, done: count - await recordsLeft(collection) });
  },
}));

async function recordsLeft(collection: Parameters<OnMongo["drain"]>[1]): Promise<number> {
  const [left] = await collection.aggregate([
    { $group: { _id: null, records: { $sum: { $size: "$records" } } } },
  ]).toArray();
  return left?.records ?? 0;
}
