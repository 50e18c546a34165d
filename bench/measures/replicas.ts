import { type BenchAgent, startAgent } from "../agent.ts";
import type { Counter } from "../../health/counters.ts";
import { type Bench, freshCollection, settle, until } from "../bench.ts";
import { BYTES } from "../candidates.ts";
import { fill } from "../documents.ts";
import { processedTwice, rateOf, spanOf, untilDrained } from "../drained.ts";
import { median } from "../stats.ts";
import { ensureIndexes } from "../../agent/store/indexes.ts";

const REPLICAS = { full: [1, 2, 4, 8], quick: [1, 2] };
const ROUNDS = 3;
/** Enough that what every process does once, such as compiling its code, does not decide. */
const DOCUMENTS = { full: 200_000, quick: 1000 };

/** What so many agents reached together, at default settings. */
export interface ReplicasResult {
  replicas: number;
  /** Documents a second, all together. */
  rate: number;
  /** Share of the candidates for a claim that another agent was faster to claim. */
  lost: number;
  processedTwice: number;
}

interface Run {
  rate: number;
  lost: number;
  processedTwice: number;
}

/** 1, 2, 4 and 8 agents on the same documents, which all begin at once. */
export async function measureReplicas(bench: Bench): Promise<ReplicasResult[]> {
  const runs = new Map(
    (bench.isQuick ? REPLICAS.quick : REPLICAS.full).map((replicas) => [replicas, [] as Run[]]),
  );
  for (let round = 0; round < (bench.isQuick ? 1 : ROUNDS); round++) {
    for (const [replicas, done] of runs) {
      const run = await runOnce(bench, replicas);
      bench.say(
        `${replicas} replicas: ${Math.round(run.rate)} documents/s, ${(run.lost * 100).toFixed(1)} % lost`,
      );
      done.push(run);
    }
  }
  return [...runs].map(([replicas, done]) => ({
    replicas,
    rate: median(done.map(({ rate }) => rate)),
    lost: median(done.map(({ lost }) => lost)),
    processedTwice: done.reduce((sum, run) => sum + run.processedTwice, 0),
  }));
}

async function runOnce(bench: Bench, replicas: number): Promise<Run> {
  const count = bench.isQuick ? DOCUMENTS.quick : DOCUMENTS.full;
  const collection = await freshCollection(bench, "replicas");
  await ensureIndexes(collection);
  await fill(collection, count, BYTES);
  const agents: BenchAgent[] = [];
  try {
    for (let n = 0; n < replicas; n++) {
      agents.push(await startAgent(bench, { collection: "replicas", isPaused: true }));
    }
    for (const agent of agents) await agent.ready();
    await settle(bench);
    for (const agent of agents) await agent.resume();
    await untilDrained(collection);
    const { claimed, conflicts } = await totals(agents, count);
    return {
      rate: rateOf(await spanOf(collection, "processed_at")),
      lost: conflicts / (claimed + conflicts),
      processedTwice: await processedTwice(collection),
    };
  } finally {
    await Promise.all(agents.map((agent) => agent[Symbol.asyncDispose]()));
  }
}

/** What all have counted together, once that is all there is to count: each tells it once a second. */
async function totals(agents: BenchAgent[], count: number): Promise<{ claimed: number; conflicts: number }> {
  return await until(async () => {
    const all = await Promise.all(agents.map((agent) => agent.status()));
    const sum = (name: Counter) => all.reduce((total, status) => total + (status?.counters[name] ?? 0), 0);
    return sum("processed") === count && { claimed: sum("claimed"), conflicts: sum("conflicts") };
  }, { limitMs: 60_000 });
}
