import { type ChangeStreamUpdateDocument, type Collection, type Document, ObjectId } from "mongodb";
import { systemClock } from "../../agent/lib/clock.ts";
import { sleep } from "../../agent/lib/deadline.ts";
import { ensureIndexes } from "../../agent/store/indexes.ts";
import { countsOf, startAgent } from "../agent.ts";
import { type Bench, freshCollection, inRounds, ROOT, settle } from "../bench.ts";
import { BYTES, fill, textOf } from "../documents.ts";
import { processedTwice, rateOf, spanOf, untilDrained } from "../drained.ts";
import { cpuMs, peakMib, withChildren } from "../proc.ts";
import { runToEnd } from "../programs.ts";
import { BenchService } from "../service.ts";
import { median, quantile, type Spread, spreadOf } from "../stats.ts";

/** Documents of a run. */
const MANY = { full: 50_000, quick: 500 };
const FEW = { full: 10_000, quick: 200 };
/** Single inserts of a run. */
const INSERTS = { full: 60, quick: 5 };
/** Inserts before these, which are not measured. */
const WARM_UP = { full: 10, quick: 1 };
/** At most so long after a document is processed the next one is inserted, in milliseconds. */
const MAX_GAP_MS = 50;

const MODULE_FOR_BATCHES =
  "export const processBatch = async (documents) => documents.map(() => undefined);\n";
const PROGRAM = `${ROOT}/bench/programs/noop.py`;

/** A processor that does nothing, and the settings of its agent. */
interface Case {
  name: string;
  settings: string;
  documents: { full: number; quick: number };
  module?: string;
  env?: Record<string, string>;
}

/** What a kind of processor costs. */
export interface ProcessorResult {
  name: string;
  settings: string;
  /** Documents per second, if all wait. */
  rate: Spread;
  /** Documents of each run. */
  documents: number;
  /** CPU of the agent for a thousand documents, in milliseconds. */
  agentCpuMs: number;
  /** The same with the processes that it had started, from their start on. */
  treeCpuMs: number;
  /** Time from right before the insert of a document until a change stream reports that it is processed, over all inserts. */
  p50Ms: number;
  p99Ms: number;
  inserts: number;
  /** The most memory that the agent had resident, in any run. */
  agentMib: number;
  /** The same with the processes that it had started; memory that they share counts for each. */
  treeMib: number;
  /** Most TCP connections of a run; undefined if the processor is no service. */
  connections: number | undefined;
  processedTwice: number;
}

interface Run {
  rate: number;
  agentCpuMs: number;
  treeCpuMs: number;
  times: number[];
  agentMib: number;
  treeMib: number;
  connections: number;
  processedTwice: number;
}

/** Modules, services and programs that do nothing. The agent has default settings, but for those of each case. */
export async function measureProcessors(bench: Bench): Promise<ProcessorResult[]> {
  await using service = await BenchService.start();
  const cases = casesFor(service.url, await findPython());
  const runs = await inRounds(bench, cases, async (each, round) => {
    const run = await runOnce(bench, service, each);
    const [rate, p99] = [Math.round(run.rate), quantile(run.times, 0.99).toFixed(1)];
    const memory = `${run.agentMib.toFixed(0)} and ${run.treeMib.toFixed(0)} MiB`;
    bench.say(
      `round ${round}: ${each.name}, ${each.settings}: ${rate} documents/s, p99 ${p99} ms, ${memory}`,
    );
    return run;
  });
  return [...runs].map(([{ name, settings, documents }, done]) => {
    const times = done.flatMap((run) => run.times);
    const connections = Math.max(...done.map((run) => run.connections));
    return {
      name,
      settings,
      rate: spreadOf(done.map(({ rate }) => rate)),
      documents: bench.isQuick ? documents.quick : documents.full,
      agentCpuMs: median(done.map(({ agentCpuMs }) => agentCpuMs)),
      treeCpuMs: median(done.map(({ treeCpuMs }) => treeCpuMs)),
      p50Ms: quantile(times, 0.5),
      p99Ms: quantile(times, 0.99),
      inserts: times.length,
      agentMib: Math.max(...done.map(({ agentMib }) => agentMib)),
      treeMib: Math.max(...done.map(({ treeMib }) => treeMib)),
      connections: connections === 0 ? undefined : connections,
      processedTwice: done.reduce((sum, run) => sum + run.processedTwice, 0),
    };
  });
}

function casesFor(url: string, python: string | undefined): Case[] {
  const http = (settings: string, env: Record<string, string> = {}) => ({
    name: "`http:`, a service in TypeScript",
    settings,
    documents: FEW,
    env: { PROCESSOR: url, ...env },
  });
  const exec = (settings: string, env: Record<string, string> = {}, argument = "") => ({
    name: "`exec:`, a program in Python",
    settings,
    documents: FEW,
    env: { PROCESSOR: `exec:${JSON.stringify([python, PROGRAM, argument].filter(Boolean))}`, ...env },
  });
  const programs = [
    exec("default (EXEC_PROCESSES=1)"),
    exec("EXEC_PROCESSES=4", { EXEC_PROCESSES: "4" }),
    exec('first line {"concurrency": 16}', {}, "16"),
    exec("PROCESSOR_BATCH=true", { PROCESSOR_BATCH: "true" }),
  ];
  return [
    { name: "`module:`", settings: "default (CONCURRENCY=16)", documents: MANY },
    { name: "`module:`", settings: "exports processBatch", documents: MANY, module: MODULE_FOR_BATCHES },
    http("default (CONCURRENCY=16)"),
    http("CONCURRENCY=64", { CONCURRENCY: "64" }),
    http("PROCESSOR_BATCH=true", { PROCESSOR_BATCH: "true" }),
    ...python ? programs : [],
  ];
}

/**
 * The path of Python itself: what is in `PATH` may be a script that finds it, whose work is no part of the figures.
 * Undefined, after a line that says so, if there is none.
 *
 * @throws {Error} instead, with `REQUIRE_ALL=1`
 */
async function findPython(): Promise<string | undefined> {
  try {
    return (await runToEnd("python3", ["-c", "import sys; print(sys.executable)"])).trim();
  } catch (error) {
    if (Deno.env.get("REQUIRE_ALL") === "1") throw error;
    console.log("SKIP programs in Python, there is no python3, apt-get install python3");
    return undefined;
  }
}

async function runOnce(bench: Bench, service: BenchService, { documents, ...options }: Case): Promise<Run> {
  const count = bench.isQuick ? documents.quick : documents.full;
  const collection = await freshCollection(bench, "processors");
  await ensureIndexes(collection);
  await fill(collection, count, BYTES);
  await settle(bench);
  await service.connections();
  await using agent = await startAgent(bench, { collection: "processors", isPaused: true, ...options });
  await agent.ready();
  const cpuBefore = await cpuMs(agent.pid);
  await agent.resume();
  await untilDrained(collection);
  const [agentCpu, connections] = [await cpuMs(agent.pid), await service.connections()];
  const treeCpu = await sumOf(cpuMs, agent.pid);
  const [rate, counts] = [rateOf(await spanOf(collection, "processed_at")), await countsOf([agent], count)];
  const twice = await processedTwice(collection, counts);
  const times = await timesOfSingles(bench, collection);
  return {
    rate,
    times,
    agentCpuMs: (agentCpu - cpuBefore) / count * 1000,
    treeCpuMs: (treeCpu - cpuBefore) / count * 1000,
    agentMib: await peakMib(agent.pid),
    treeMib: await sumOf(peakMib, agent.pid),
    connections,
    processedTwice: twice,
  };
}

/** The figure of a process and of all that it has started, together. */
async function sumOf(figure: (pid: number) => Promise<number>, pid: number): Promise<number> {
  const figures = await Promise.all((await withChildren(pid)).map(figure));
  return figures.reduce((sum, each) => sum + each, 0);
}

/** Inserts one document after the other has been processed; how long each took until then, in milliseconds. */
async function timesOfSingles({ isQuick }: Bench, collection: Collection): Promise<number[]> {
  await using changes = collection.watch<Document, ChangeStreamUpdateDocument>([
    { $match: { "updateDescription.updatedFields.status": "processed" } },
    { $project: { documentKey: 1 } },
  ]);
  // It sees what happens from now on.
  await changes.tryNext();
  const [warmUp, count] = isQuick ? [WARM_UP.quick, INSERTS.quick] : [WARM_UP.full, INSERTS.full];
  const times: number[] = [];
  for (let n = 0; n < warmUp + count; n++) {
    const _id = new ObjectId();
    const sentAt = performance.now();
    const [change] = await Promise.all([
      changes.next(),
      collection.insertOne({ _id, status: "pending", text: textOf(BYTES) }),
    ]);
    times.push(performance.now() - sentAt);
    if (!_id.equals(change.documentKey._id)) {
      throw new Error("A document has been processed that was not inserted");
    }
    await sleep(systemClock, Math.random() * MAX_GAP_MS);
  }
  return times.slice(warmUp);
}
