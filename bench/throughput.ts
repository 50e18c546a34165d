import { type Bench, inRounds } from "./bench.ts";
import type { Candidate, Outcome } from "./candidate.ts";
import { CANDIDATES } from "./candidates.ts";
import { EFFECT_CANDIDATES } from "./effect_candidates.ts";
import { rateOf } from "./drained.ts";
import type { ServerCost } from "./server_cost.ts";
import { median, type Spread, spreadOf } from "./stats.ts";

/** The throughput of a candidate. */
export interface Throughput {
  id: string;
  name: string;
  settings: string;
  kind: Candidate["kind"];
  /** Documents of each run. */
  documents: number;
  /** Documents per second. */
  rate: Spread;
  cost: ServerCost;
  /** CPU of the program for a thousand documents, in milliseconds. Missing in figures that are older than it. */
  programCpuMs?: number;
  /** Over all runs; undefined if nothing is left to count by. */
  processedTwice: number | undefined;
}

interface Run extends Pick<Outcome, "cost" | "programCpuMs"> {
  rate: number;
  processedTwice: number | undefined;
}

/** All candidates in turn, or those whose id begins with one of `only`. */
export async function measureThroughput(bench: Bench, only = [""]): Promise<Throughput[]> {
  return await measured(bench, CANDIDATES.filter(({ id }) => only.some((start) => id.startsWith(start))));
}

/** The same for candidates that write an effect for each document. */
export async function measureEffects(bench: Bench): Promise<Throughput[]> {
  return await measured(bench, EFFECT_CANDIDATES);
}

async function measured(bench: Bench, all: readonly Candidate[]): Promise<Throughput[]> {
  const candidates: Candidate[] = [];
  for (const candidate of all) {
    if (await candidate.isPossible?.() ?? true) candidates.push(candidate);
  }
  const runs = await inRounds(bench, candidates, async (candidate, round) => {
    const run = await runOnce(bench, candidate);
    bench.say(`round ${round}: ${candidate.id} ${Math.round(run.rate)} documents/s`);
    return run;
  });
  return [...runs].map(([candidate, done]) => summary(candidate, countOf(bench, candidate), done));
}

async function runOnce(bench: Bench, candidate: Candidate): Promise<Run> {
  const count = countOf(bench, candidate);
  const { cost, done, processedTwice, programCpuMs, span } = await candidate.run(bench, count);
  if (done !== count) throw new Error(`${candidate.id} has done ${done} of ${count} documents`);
  return { rate: rateOf(span), cost, programCpuMs, processedTwice };
}

function countOf({ isQuick }: Bench, { documents }: Candidate): number {
  return isQuick ? documents.quick : documents.full;
}

function summary({ id, name, settings, kind }: Candidate, documents: number, runs: Run[]): Throughput {
  const twice = runs.map(({ processedTwice }) => processedTwice).filter((count) => count !== undefined);
  return {
    ...{ id, name, settings, kind, documents },
    rate: spreadOf(runs.map(({ rate }) => rate)),
    cost: {
      commandsPerDocument: median(runs.map(({ cost }) => cost.commandsPerDocument)),
      cpuMsPerThousand: median(runs.map(({ cost }) => cost.cpuMsPerThousand)),
      logBytesPerDocument: median(runs.map(({ cost }) => cost.logBytesPerDocument!)),
    },
    programCpuMs: median(runs.map(({ programCpuMs }) => programCpuMs)),
    processedTwice: twice.length === 0 ? undefined : twice.reduce((sum, count) => sum + count, 0),
  };
}
