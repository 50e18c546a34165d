/**
 * Runs one row of the chaos to its end.
 *
 * @module
 */

import type { Collection } from "mongodb";
import { agentHome } from "../support/agent_home.ts";
import { waitFor } from "../support/wait.ts";
import { Witness } from "../witness/witness.ts";
import { clockLibrary } from "./clock_library.ts";
import { PROCESSOR } from "./processor.ts";
import { type Job, produce } from "./producer.ts";
import type { ReplicaSet } from "./replica_set.ts";
import { Replicas } from "./replicas.ts";
import type { Row } from "./row.ts";
import { judgeRow, type RowResult } from "./row_result.ts";
import { StallWatch } from "./stall_watch.ts";
import { LEASE_MS, World } from "./world.ts";

const MAX_ATTEMPTS = 5;
const SETTINGS = {
  BATCH_SIZE: "20",
  CONCURRENCY: "8",
  LEASE_DURATION: `${LEASE_MS}ms`,
  MAX_ATTEMPTS: String(MAX_ATTEMPTS),
  POLL_INTERVAL: "200ms",
  RETRY_BACKOFF: "100ms",
  RETRY_BACKOFF_MAX: "1",
  HEARTBEAT_INTERVAL: "1",
  SHUTDOWN_TIMEOUT: "10",
};
/** Documents that are left when the disturbances end must be done after this long, and twice the time of the row. */
const TAIL_MS = 120_000;
/** Documents are inserted for so long after the last disturbance, to see how soon they are processed. */
const AFTER_MS = 1000;

/** What a row is run with. */
export interface RowOptions {
  readonly set: ReplicaSet;
  readonly seconds: number;
  readonly random: () => number;
  readonly before: string | undefined;
  /** Where what the witness has recorded is kept. */
  readonly witnessDir: string;
}

/** Why a row cannot be run here; undefined if it can. */
export async function missingFor(row: Row, before: string | undefined): Promise<string | undefined> {
  return await row.missing?.({ before, clockLibrary: await clockLibrary(), dir: "" });
}

/** Runs it: what a row leaves undone is a problem of its result. */
export async function runRow(row: Row, options: RowOptions): Promise<RowResult> {
  const { random, seconds, set } = options;
  await using client = set.client();
  const name = `chaos_${row.name.replaceAll("-", "_")}`;
  const db = client.db(name);
  const documents = db.collection<Job>("documents");
  await db.dropDatabase();
  await using witness = await Witness.start({
    ...{ uri: set.uri, dir: options.witnessDir, database: name, collection: "documents" },
    ...{ leaseMs: LEASE_MS, maxAttempts: MAX_ATTEMPTS },
  });
  await db.createCollection("documents");
  const env = { ...SETTINGS, WITNESS_RUNS: witness.runsFile };
  await using home = await agentHome({ db: { uri: set.uri, name }, module: PROCESSOR, env });
  const { before } = options;
  const places = row.places({ before, clockLibrary: await clockLibrary(), dir: home.dir });
  await using replicas = new Replicas({ home, places, witness });
  await using watch = new StallWatch(db.collection("probes"));
  await replicas.start();

  const endMs = performance.now() + seconds * 1000;
  const world = new World({ set, replicas, documents, witness, random, dir: home.dir, endMs });
  let stopMs = Infinity;
  const [inserted] = await Promise.all([
    produce(documents, { perSecond: row.perSecond, goesOn: () => performance.now() < stopMs }),
    row.disturb(world).finally(() => stopMs = performance.now() + AFTER_MS),
  ]);
  await set.untilHealthy();
  const overMs = performance.now();
  await untilSettled(documents, TAIL_MS + 2 * seconds * 1000);
  const drainMs = Math.round(performance.now() - overMs);
  await replicas.drainAll();
  await watch.end();

  const marks = await home.marks();
  const result = await judgeRow({ row, seconds, world, inserted, marks, stalls: watch.stalls, drainMs });
  // The driver does not send it again if the primary has just stepped down.
  await waitFor("its database to be dropped", () => db.dropDatabase());
  return result;
}

/** Waits in vain without complaint: what is not settled is judged. */
async function untilSettled(documents: Collection<Job>, timeoutMs: number): Promise<void> {
  const isOpen = { status: { $in: ["pending", "processing"] } };
  await waitFor("all to be settled", async () => await documents.countDocuments(isOpen) === 0, { timeoutMs })
    .catch(() => {});
}
