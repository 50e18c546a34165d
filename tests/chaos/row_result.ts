/**
 * What a row of the chaos came to.
 *
 * @module
 */

import { type Cut, type Fate, judge, type Run, type Verdict } from "../../scripts/soak_check.ts";
import type { Mark } from "../support/agent_home.ts";
import type { Verdict as WitnessVerdict } from "../witness/breaches.ts";
import { runsOf } from "./processor.ts";
import type { Job } from "./producer.ts";
import type { Usage } from "./replicas.ts";
import type { Row } from "./row.ts";
import type { Stall } from "./stall_watch.ts";
import { LEASE_MS, type World } from "./world.ts";

/** Documents after a disturbance that are looked at to find the first that was processed. */
const FIRST = 200;

/** The figures of a row, and all that must not be. */
export interface RowResult extends Verdict, Usage {
  readonly name: string;
  readonly what: string;
  readonly seconds: number;
  readonly inserted: number;
  /** Agents that were killed. */
  readonly killed: number;
  /** How often something was done, a kill among it. */
  readonly disturbances: number;
  /** The longest time from the end of a disturbance until a document was processed that was inserted after it. */
  readonly recoverMs: number;
  /** For how long the database or the machine did not answer, though nothing was done to them. */
  readonly stalledMs: number;
  /** From the end of the row until the last document was done. */
  readonly drainMs: number;
  /** Lines of the levels WARNING and ERROR, by how often they were written. */
  readonly said: readonly (readonly [string, number])[];
  /** What the database's own history proves. */
  readonly witness: WitnessVerdict;
}

/** What is known of a row when its agents have ended. */
export interface EndedRow {
  readonly row: Row;
  readonly seconds: number;
  readonly world: World;
  readonly inserted: number;
  /** The lines of the processors. */
  readonly marks: readonly Mark[];
  readonly stalls: readonly Stall[];
  readonly drainMs: number;
}

/** Judges a row by the documents, by the lines of the processors, and by the witness. */
export async function judgeRow(ended: EndedRow): Promise<RowResult> {
  const { inserted, marks, row: { blocksLoop, name, what }, seconds, stalls, world } = ended;
  const { documents, replicas, witness } = world;
  const runs = runsOf(marks);
  const blocks = blocksLoop ? blocked([...runs.values()].flat()) : [];
  for (const block of blocks) witness.wasCutOff(replicas.names.get(block.pids[0])!, block);
  for (const stall of stalls) witness.wasCutOff("*", stall);
  const stored = await documents.find().toArray();
  const cuts = [...world.cuts, ...blocks, ...stalls];
  const verdict = judge(await fates(world, stored, runs), inserted, replicas.killed, cuts);
  const seen = await witness.finish();
  const ends = [...world.ends, ...blocks.map(({ toMs }) => toMs)];
  return {
    ...{ name, what, seconds, inserted, killed: replicas.killed.size, drainMs: ended.drainMs },
    ...verdict,
    ...replicas.usage(),
    problems: [
      ...replicas.problems,
      ...world.inVain,
      ...verdict.problems,
      ...seen.breaches.map(({ document, rule, what }) => `the witness: ${rule}: ${document}: ${what}`),
    ],
    disturbances: world.times + blocks.length,
    recoverMs: slowestRecovery(ends, stored),
    stalledMs: lengthOutside(world.cuts, stalls),
    witness: seen,
    said: [...replicas.warnings()].toSorted((a, b) => b[1] - a[1]),
  };
}

/** When runs blocked the event loop of their process for longer than a lease. */
function blocked(runs: readonly Run[]): { fromMs: number; toMs: number; pids: [number] }[] {
  return runs.flatMap(({ endMs, pid, startMs }) =>
    endMs !== undefined && endMs - startMs > LEASE_MS ? [{ fromMs: startMs, toMs: endMs, pids: [pid] }] : []
  );
}

async function fates(
  { documents }: World,
  stored: readonly Job[],
  runs: ReadonlyMap<number, Run[]>,
): Promise<Fate[]> {
  const letters = documents.db.collection("documents_dead_letters");
  const withLetter = new Set<unknown>(await letters.distinct("_id"));
  return stored.map(({ _id, _pull, error, kind, status }) => ({
    ...{ id: _id, kind, status, attempts: _pull?.attempts ?? 0, ...(error !== undefined && { error }) },
    hasLetter: withLetter.has(_id),
    runs: runs.get(_id) ?? [],
  }));
}

/** How long stalls lasted that began in none of the cuts. */
function lengthOutside(cuts: readonly Cut[], stalls: readonly Stall[]): number {
  return stalls.filter(({ fromMs, toMs }) => !cuts.some((cut) => cut.fromMs < toMs && fromMs < cut.toMs))
    .reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
}

function slowestRecovery(ends: readonly number[], stored: readonly Job[]): number {
  const done = stored.filter((job) => job.processed_at !== undefined).toSorted((a, b) => +a.at - +b.at);
  const times = ends.map((endMs) => {
    const after = done.filter(({ at }) => +at >= endMs).slice(0, FIRST);
    return Math.min(...after.map(({ processed_at }) => +processed_at! - endMs));
  }).filter(Number.isFinite);
  return Math.max(0, ...times);
}
