import type { Collection } from "mongodb";
import { type Bench, freshCollection, until } from "./bench.ts";
import type { OnMongo } from "./candidate.ts";
import { BYTES, fill, LOTS } from "./documents.ts";
import { spanOf } from "./drained.ts";
import { runProgram } from "./programs.ts";
import { INDEXES } from "../agent/store/indexes.ts";

/** The batch sizes of the limit of range claims. */
const SIZES = [100, 1000, 2000];

/** The limit of range claims, one process. */
export const RANGE_LIMITS: OnMongo[] = SIZES.map((size) => ({
  id: `range-limit-${size}`,
  name: "The limit of range claims: one write claims a batch, nothing else",
  settings: `batch ${size}`,
  kind: "limit",
  documents: LOTS,
  prepare: prepareRangeLimit,
  async drain(bench, collection) {
    await drainByRangeLimit(bench, { collection, size, processes: 1 });
    return async () => ({
      span: await spanOf(collection, "processed_at"),
      done: await collection.countDocuments({ status: "processed" }),
    });
  },
}));

/** Makes documents, and the index by which the limit of range claims finds them. */
export async function prepareRangeLimit(bench: Bench, count: number): Promise<Collection> {
  const collection = await freshCollection(bench, "ranges");
  const { keys, partialFilterExpression } = INDEXES[0]!;
  await collection.createIndex(keys, { partialFilterExpression });
  await bench.db.createCollection(agentsOf(collection));
  await fill(collection, count, BYTES);
  return collection;
}

/** Has processes of the limit of range claims process all documents together. They begin at the same time. */
export async function drainByRangeLimit(
  bench: Bench,
  { collection, size, processes }: { collection: Collection; size: number; processes: number },
): Promise<void> {
  const ranges = bench.db.collection<{ _id: string }>(agentsOf(collection));
  const running = Promise.all(
    Array.from({ length: processes }, () =>
      runProgram(bench, "range_limit", {
        collection: collection.collectionName,
        after: [String(size)],
      })),
  );
  const ready = until(async () => await ranges.countDocuments() === processes);
  // The first of them may end because something is wrong with it.
  await Promise.race([ready, running]);
  await ranges.insertOne({ _id: "ranges", position: null, ranges: [] } as { _id: string });
  await running;
}

function agentsOf({ collectionName }: Collection): string {
  return `${collectionName}_agents`;
}
