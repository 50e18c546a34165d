import type { Collection } from "mongodb";
import { until } from "./bench.ts";

/** When the first and the last document of a run was done, in milliseconds, and how many came after the first moment. */
export interface Span {
  firstMs: number;
  lastMs: number;
  after: number;
}

/** Documents a second, from the first that was done to the last. */
export function rateOf({ firstMs, lastMs, after }: Span): number {
  return after / (lastMs - firstMs) * 1000;
}

/** Resolves once the agents have left nothing to do. One look costs the server next to nothing: the index has the answer. */
export async function untilDrained(collection: Collection): Promise<void> {
  const open = { status: { $in: ["pending", "processing"] } };
  await until(async () => await collection.findOne(open, { projection: { _id: 1 } }) === null, {
    everyMs: 200,
  });
}

/** The span of a run by what the documents say, whose field `doneAt` holds when each was done. */
export async function spanOf(collection: Collection, doneAt: string): Promise<Span> {
  const first = await collection.find().sort({ [doneAt]: 1 }).limit(1).next();
  const last = await collection.find().sort({ [doneAt]: -1 }).limit(1).next();
  const after = await collection.countDocuments({ [doneAt]: { $gt: first![doneAt] } });
  return { firstMs: timeOf(first![doneAt]), lastMs: timeOf(last![doneAt]), after };
}

/** Documents that were run more than once, by their attempts. A takeover is no attempt: no run of the bench kills an agent. */
export async function processedTwice(collection: Collection): Promise<number> {
  return await collection.countDocuments({ status: "processed", "_pull.attempts": { $ne: 1 } });
}

function timeOf(value: Date | string): number {
  return new Date(value).getTime();
}
