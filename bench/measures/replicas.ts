import { type AgentOptions, type BenchAgent, BEST_BY_RANGES, countsOf, startAgent } from "../agent.ts";
import { type Bench, freshCollection, inRounds, settle } from "../bench.ts";
import { BYTES, fill } from "../documents.ts";
import { processedTwice, rateOf, spanOf, untilDrained } from "../drained.ts";
import { drainByRangeLimit, prepareRangeLimit } from "../range_limit.ts";
import { median } from "../stats.ts";
import { ensureIndexes } from "../../agent/store/indexes.ts";

/** Enough documents that one-time work of a process, such as compiling its code, does not decide. */
const MANY = { full: 100_000, quick: 1000 };
/** The same for claims by ranges. */
const MOST = { full: 200_000, quick: 8000 };

/** Processes on the same documents. */
interface Case {
  of: ReplicasResult["of"];
  settings: string;
  replicas: number;
  documents: { full: number; quick: number };
  /** Part of the quick run. */
  isQuick: boolean;
  env?: NonNullable<AgentOptions["env"]>;
}

const CASES: Case[] = [
  ...[1, 2, 4, 8].map((replicas): Case => ({
    of: "document",
    settings: "default",
    replicas,
    documents: MANY,
    isQuick: replicas <= 2,
  })),
  ...[1, 2, 4, 8].map((replicas): Case => ({
    of: "range",
    settings: `CLAIM_MODE=range, BATCH_SIZE=${BEST_BY_RANGES.BATCH_SIZE}`,
    replicas,
    documents: MOST,
    isQuick: replicas === 2,
    env: BEST_BY_RANGES,
  })),
  {
    of: "range limit",
    settings: `the limit of range claims, batch ${BEST_BY_RANGES.BATCH_SIZE}`,
    replicas: 4,
    documents: MOST,
    isQuick: true,
  },
];

/** The throughput of this many processes together. */
export interface ReplicasResult {
  /** Agents in one of the modes, or the smallest program that claims by ranges. */
  of: "document" | "range" | "range limit";
  settings: string;
  replicas: number;
  /** Documents a second, all together. */
  rate: number;
  /** Share of the candidates for a claim that another agent claimed first; missing if nothing is left to count by. */
  lost?: number;
  processedTwice?: number;
}

type Run = Pick<ReplicasResult, "rate" | "lost" | "processedTwice">;

/** Some processes on the same documents. All begin at the same time. */
export async function measureReplicas(bench: Bench): Promise<ReplicasResult[]> {
  const cases = CASES.filter(({ isQuick }) => isQuick || !bench.isQuick);
  const runs = await inRounds(bench, cases, async (each) => {
    const run = await (each.of === "range limit" ? runLimit : runAgents)(bench, each);
    const lost = run.lost === undefined ? "" : `, ${(run.lost * 100).toFixed(1)} % lost`;
    bench.say(`${each.replicas} replicas, ${each.settings}: ${Math.round(run.rate)} documents/s${lost}`);
    return run;
  });
  return [...runs].map(([{ of, replicas, settings }, done]) => ({
    ...{ of, settings, replicas },
    rate: median(done.map(({ rate }) => rate)),
    ...of !== "range limit" && {
      lost: median(done.map(({ lost }) => lost!)),
      processedTwice: done.reduce((sum, run) => sum + run.processedTwice!, 0),
    },
  }));
}

async function runAgents(bench: Bench, { documents, env = {}, replicas }: Case): Promise<Run> {
  const count = countOf(bench, documents);
  const collection = await freshCollection(bench, "replicas");
  await ensureIndexes(collection);
  await fill(collection, count, BYTES);
  const agents: BenchAgent[] = [];
  try {
    for (let n = 0; n < replicas; n++) {
      agents.push(await startAgent(bench, { collection: "replicas", isPaused: true, env }));
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

async function runLimit(bench: Bench, { documents, replicas }: Case): Promise<Run> {
  const collection = await prepareRangeLimit(bench, countOf(bench, documents));
  await settle(bench);
  const size = Number(BEST_BY_RANGES.BATCH_SIZE);
  await drainByRangeLimit(bench, { collection, size, processes: replicas });
  const open = await collection.countDocuments({ status: "pending" });
  if (open > 0) throw new Error(`The limit of range claims has left ${open} documents`);
  return { rate: rateOf(await spanOf(collection, "processed_at")) };
}

function countOf({ isQuick }: Bench, { full, quick }: Case["documents"]): number {
  return isQuick ? quick : full;
}
