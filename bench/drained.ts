import type { Collection } from "mongodb";
import type { Counts } from "./agent.ts";
import { until } from "./bench.ts";

const LOOK_EVERY_MS = 1000;

/** When the first and the last document of a run was done, in milliseconds, and how many came after the first moment. */
export interface Span {
  firstMs: number;
  lastMs: number;
  after: number;
}

/** Documents per second, from the first to the last that was done. */
export function rateOf({ firstMs, lastMs, after }: Span): number {
  return after / (lastMs - firstMs) * 1000;
}

/**
 * Resolves once the agents have nothing left to do. The query uses the index, and runs seldom, because the server's
 * work for it counts as the agents' work.
 */
export async function untilDrained(collection: Collection): Promise<void> {
  const open = { status: { $in: ["pending", "processing"] } };
  await until(async () => await collection.findOne(open, { projection: { _id: 1 } }) === null, {
    everyMs: LOOK_EVERY_MS,
  });
}

/** The span of a run according to the documents, whose field `doneAt` holds when each was done. */
export async function spanOf(collection: Collection, doneAt: string): Promise<Span> {
  const first = await collection.find().sort({ [doneAt]: 1 }).limit(1).next();
  const last = await collection.find().sort({ [doneAt]: -1 }).limit(1).next();
  const after = await collection.countDocuments({ [doneAt]: { $gt: first![doneAt] } });
  return { firstMs: timeOf(first![doneAt]), lastMs: timeOf(last![doneAt]), after };
}

/**
 * Documents that may have run more than once: those with more than one attempt, and those whose lease was taken over or
 * lost. The agents have counted the latter, because an ack removes their traces from the document.
 */
export async function processedTwice(collection: Collection, counts: Counts): Promise<number> {
  const again = await collection.countDocuments({ status: "processed", "_pull.attempts": { $ne: 1 } });
  return again + counts.takeovers + counts.lease_lost;
}

function timeOf(value: Date | string): number {
  return new Date(value).getTime();
}
