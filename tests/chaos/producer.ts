/**
 * Inserts documents at a steady rate for as long as a row lasts, also while the database has no primary.
 *
 * @module
 */

import { type Collection, MongoBulkWriteError } from "mongodb";
import { systemClock } from "../../agent/lib/clock.ts";
import { sleep } from "../../agent/lib/deadline.ts";
import type { Kind } from "../../scripts/soak_check.ts";

/** A document as it is inserted. */
export interface Job {
  _id: number;
  kind: Kind;
  status: string;
  /** When it was first sent to the database. */
  at: Date;
  error?: string;
  processed_at?: Date;
  _pull?: { attempts?: number; owner?: string };
}

/** Between two inserts, in milliseconds. */
const INSERT_MS = 100;
const DUPLICATE_KEY = 11000;

/** Inserts for as long as it is to go on; returns how many documents a majority has acknowledged: all that it sent. */
export async function produce(
  jobs: Collection<Job>,
  { goesOn, perSecond }: { goesOn: () => boolean; perSecond: number },
): Promise<number> {
  let next = 0;
  let sentMs = performance.now();
  while (goesOn()) {
    const at = new Date();
    const nowMs = performance.now();
    // The rate is held on a slow database, too; what an outage kept back is not made up for.
    const due = Math.min(perSecond, Math.max(1, Math.floor(perSecond * (nowMs - sentMs) / 1000)));
    sentMs = nowMs;
    await insertForSure(
      jobs,
      Array.from({ length: due }, () => ({ _id: next, kind: kindOf(next++), status: "pending", at })),
    );
    await sleep(systemClock, INSERT_MS);
  }
  return next;
}

/** Sends documents again until all are acknowledged. */
async function insertForSure(jobs: Collection<Job>, documents: readonly Job[]): Promise<void> {
  for (;;) {
    try {
      await jobs.insertMany([...documents], {
        ordered: false,
        writeConcern: { w: "majority", wtimeoutMS: 5000 },
      });
      return;
    } catch (error) {
      // They may be there from the time before, and not on a majority: only an insert without an error counts.
      if (isThere(error)) {
        const acknowledged = await readByMajority(jobs, documents.map(({ _id }) => _id)).catch(() => 0);
        if (acknowledged === documents.length) return;
      }
      await sleep(systemClock, INSERT_MS);
    }
  }
}

function isThere(error: unknown): boolean {
  if (!(error instanceof MongoBulkWriteError)) return false;
  const failures = [error.writeErrors].flat();
  return failures.length > 0 && failures.every(({ code }) => code === DUPLICATE_KEY);
}

async function readByMajority(jobs: Collection<Job>, ids: number[]): Promise<number> {
  return await jobs.countDocuments({ _id: { $in: ids } }, { readConcern: { level: "majority" } });
}

function kindOf(id: number): Kind {
  if (id % 50 === 7) return "hopeless";
  if (id % 10 === 3) return "flaky";
  return id % 10 === 5 ? "slow" : "good";
}
