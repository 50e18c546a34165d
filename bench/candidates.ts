import type { Collection } from "mongodb";
import { type AgentOptions, BEST, countsOf, startAgent } from "./agent.ts";
import { type Bench, DATABASE, freshCollection } from "./bench.ts";
import { type Candidate, type Drained, type OnMongo, onMongo } from "./candidate.ts";
import { BYTES, fill, LOTS, MANY } from "./documents.ts";
import { processedTwice, spanOf, untilDrained } from "./drained.ts";
import { GRAPHILE_WORKER } from "./graphile_worker.ts";
import { pythonWithMotor } from "./python.ts";
import { canHavePackages, runProgram, runToEnd } from "./programs.ts";
import { RANGE_LIMITS } from "./range_limit.ts";
import { SLICES } from "./slices.ts";
import { ensureIndexes } from "../agent/store/indexes.ts";

const FEW = { full: 5000, quick: 100 };

/** The loops that people write by hand, and the limit: plain documents, and the index that their query needs. */
function plain(kind: OnMongo["kind"], index: Record<string, 1>) {
  return {
    kind,
    async prepare(bench: Bench, count: number): Promise<Collection> {
      const collection = await freshCollection(bench, "plain");
      await collection.createIndex(index);
      await fill(collection, count, BYTES);
      return collection;
    },
  };
}

async function processed(collection: Collection): Promise<Drained> {
  const span = await spanOf(collection, "processed_at");
  return { span, done: await collection.countDocuments({ status: "processed" }) };
}

/** A loop that people write by hand, as the program of that name in bench/programs, in Python. */
export function loopInPython(
  program: string,
  rest: Pick<OnMongo, "id" | "settings" | "documents">,
): OnMongo {
  return {
    ...plain("loop", { status: 1 }),
    ...rest,
    name: "Hand-written loop, Python with Motor",
    isPossible: async () => await pythonWithMotor() !== undefined,
    async drain(bench, collection) {
      const path = new URL(`programs/${program}.py`, import.meta.url).pathname;
      const args = [path, bench.server.uri, DATABASE, collection.collectionName];
      await runToEnd((await pythonWithMotor())!, args);
      return () => processed(collection);
    },
  };
}

/** The same in TypeScript. */
export function loopInTypeScript(
  program: string,
  rest: Pick<OnMongo, "id" | "settings" | "documents">,
): OnMongo {
  return {
    ...plain("loop", { status: 1 }),
    ...rest,
    name: "Hand-written loop, TypeScript with the driver",
    async drain(bench, collection) {
      await runProgram(bench, program, { collection: collection.collectionName });
      return () => processed(collection);
    },
  };
}

function limit(batchSize: number): OnMongo {
  return {
    ...plain("limit", { status: 1 }),
    id: `limit-${batchSize}`,
    name: "The limit: batched claim and ack, nothing else",
    settings: `batch ${batchSize}`,
    documents: MANY,
    async drain(bench, collection) {
      await runProgram(bench, "limit", {
        collection: collection.collectionName,
        after: [String(batchSize)],
      });
      return () => processed(collection);
    },
  };
}

/** The agent, with the module and the settings that `options` returns. */
export function agent(
  { options, ...rest }:
    & Pick<OnMongo, "id" | "settings" | "documents">
    & { options(bench: Bench): Omit<AgentOptions, "collection"> | Promise<Omit<AgentOptions, "collection">> },
): OnMongo {
  return {
    ...rest,
    name: "pulling-agent",
    kind: "agent",
    async prepare(bench, count) {
      const collection = await freshCollection(bench, "documents");
      await ensureIndexes(collection);
      await fill(collection, count, BYTES);
      return collection;
    },
    async drain(bench, collection, count) {
      const agent = await startAgent(bench, {
        ...await options(bench),
        collection: collection.collectionName,
      });
      await untilDrained(collection);
      return async () => {
        await using _ = agent;
        return {
          ...await processed(collection),
          processedTwice: await processedTwice(collection, await countsOf([agent], count)),
        };
      };
    },
  };
}

/** The agent with another size of its claims: `auto`, or a fixed one to compare this with. */
function claiming(size: number | "auto"): OnMongo {
  return agent({
    id: `agent-${size}`,
    settings: `BATCH_SIZE=${size}`,
    documents: MANY,
    options: () => ({ env: { BATCH_SIZE: String(size) } }),
  });
}

/** The agent in range mode, with claims of a size. */
function byRanges(size: number | "auto"): OnMongo {
  return agent({
    id: `range-${size}`,
    settings: `CLAIM_MODE=range, BATCH_SIZE=${size}`,
    documents: LOTS,
    options: () => ({ env: { CLAIM_MODE: "range", BATCH_SIZE: String(size) } }),
  });
}

function library(
  { doneAt, stored, ...rest }:
    & Pick<OnMongo, "id" | "name" | "settings">
    & { program: string; stored: string; doneAt?: string },
): OnMongo {
  const run = (bench: Bench, mode: string, count: number) =>
    runProgram(bench, rest.program, { before: [mode], collection: stored, after: [String(count)] });
  return {
    ...rest,
    kind: "library",
    documents: FEW,
    isPossible: canHavePackages,
    async prepare(bench, count) {
      await bench.db.dropCollection(stored);
      await run(bench, "fill", count);
      return bench.client.db(DATABASE).collection(stored);
    },
    async drain(bench, collection, count) {
      const printed = await run(bench, "drain", count);
      if (doneAt === undefined) {
        const span = { ...JSON.parse(printed), after: count - 1 };
        return async () => ({ span, done: count - await collection.countDocuments() });
      }
      return async () => ({
        span: await spanOf(collection, doneAt),
        done: await collection.countDocuments({ [doneAt]: { $exists: true, $ne: null } }),
      });
    },
  };
}

const ON_MONGO: OnMongo[] = [
  loopInPython("loop", { id: "loop-python", settings: "find 100, update one by one", documents: FEW }),
  loopInTypeScript("loop", {
    id: "loop-typescript",
    settings: "find 100, update one by one",
    documents: FEW,
  }),
  library({
    id: "agenda",
    name: "agenda",
    settings: "100 at once, every 50 ms",
    program: "agenda",
    stored: "agenda",
    doneAt: "lastFinishedAt",
  }),
  library({
    id: "mongodb-queue",
    name: "mongodb-queue",
    settings: "4 at once",
    program: "mongodb_queue",
    stored: "mongodb_queue",
    doneAt: "deleted",
  }),
  library({
    id: "mongo-jobs",
    name: "@clipboard-health/mongo-jobs",
    settings: "8 at once",
    program: "mongo_jobs",
    stored: "backgroundjobs",
  }),
  limit(100),
  limit(1000),
  limit(2000),
  limit(5000),
  agent({
    id: "agent-default",
    settings: "default (BATCH_SIZE=100)",
    documents: MANY,
    options: () => ({}),
  }),
  agent({
    id: "agent-best",
    settings: `best (BATCH_SIZE=${BEST.BATCH_SIZE})`,
    documents: MANY,
    options: () => ({ env: BEST }),
  }),
  claiming(1000),
  claiming(5000),
  claiming("auto"),
  ...RANGE_LIMITS,
  byRanges(100),
  byRanges(1000),
  byRanges(2000),
  byRanges("auto"),
  ...SLICES,
];

/** All of them, in the order in which they take their turns. */
export const CANDIDATES: Candidate[] = [...ON_MONGO.map(onMongo), ...GRAPHILE_WORKER];
