/**
 * What a server did for a client, as its profiler saw it.
 *
 * @module
 */

import type { Document } from "mongodb";
import type { TestDatabase } from "./mongod.ts";

/** One command as the server executed it. */
export interface Profiled {
  op: string;
  command: Document;
  planSummary?: string;
  keysExamined?: number;
  docsExamined?: number;
  nreturned?: number;
  hasSortStage?: boolean;
  nMatched?: number;
  /** Set if it failed. */
  errCode?: number;
}

/** Records everything that is done in `database` while `work` runs, but what the test itself does. */
export async function profile(database: TestDatabase, work: () => Promise<unknown>): Promise<Profiled[]> {
  const { db } = database;
  await db.command({ profile: 2 });
  try {
    await work();
  } finally {
    await db.command({ profile: 0 });
  }
  const found = await db.collection("system.profile").find({ appName: /^pulling-agent/ }).sort({ ts: 1 })
    .toArray();
  await db.collection("system.profile").drop();
  return found as unknown as Profiled[];
}
