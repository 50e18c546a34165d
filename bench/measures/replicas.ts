import { type BenchAgent, countsOf, startAgent } from "../agent.ts";
import { type Bench, freshCollection, inRounds, settle } from "../bench.ts";
import { BYTES } from "../candidates.ts";
import { fill } from "../documents.ts";
import { processedTwice, rateOf, spanOf, untilDrained } from "../drained.ts";
import { median } from "../stats.ts";
import { ensureIndexes } from "../../agent/store/indexes.ts";

const REPLICAS = { full: [1, 2, 4, 8], quick: [1, 2] };
/** Enough documents that one-time work of a process, such as compiling its code, does not decide. */
const DOCUMENTS = { full: 200_000, quick: 1000 };

/** The throughput of this many agents together, at default settings. */
export interface ReplicasResult {
  replicas: number;
  /** Documents a second, all together. */
  rate: number;
  /** Share of the candidates for a claim that another agent claimed first. */
  lost: number;
  processedTwice: number;
}

interface Run {
  rate: number;
  lost: number;
  processedTwice: number;
}

/** 1, 2, 4 and 8 agents on the same documents. All begin at the same time. */
export async function measureReplicas(bench: Bench): Promise<ReplicasResult[]> {
  const runs = await inRounds(bench, bench.isQuick ? REPLICAS.quick : REPLICAS.full, async (replicas) => {
    const run = await runOnce(bench, replicas);
    const lost = `${(run.lost * 100).toFixed(1)} % lost`;
    bench.say(`${replicas} replicas: ${Math.round(run.rate)} documents/s, ${lost}`);
    return run;
  });
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
    const counts = await countsOf(agents, count);
    return {
      rate: rateOf(await spanOf(collection, "processed_at")),
      lost: counts.conflicts / (counts.claimed + counts.conflicts),
      processedTwice: await processedTwice(collection, counts),
    };
  } finally {
    await Promise.all(agents.map((agent) => agent[Symbol.asyncDispose]()));
  }
}
