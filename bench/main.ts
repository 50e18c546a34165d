/**
 * Compares the agent with what people use and with the limit: `main.ts [--quick] [--only NAME] [--out DIRECTORY]`.
 *
 * All of it goes into `performance.md` (between its marks) and `performance.svg` of the directory, by default `docs/`.
 * With `--only` (a measurement, or the beginning of a candidate's id) and with `--quick` it is only printed, unless
 * `--out` says where to write.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { MongoClient } from "mongodb";
import { startMongod } from "../scripts/mongod.ts";
import { newScratchDir, removeScratchDir } from "../scripts/scratch_dir.ts";
import { type Bench, DATABASE, ROOT } from "./bench.ts";
import { CANDIDATES } from "./candidates.ts";
import { describeRun } from "./machine.ts";
import { measureBacklog } from "./measures/backlog.ts";
import { measureIdle } from "./measures/idle.ts";
import { measureLatency } from "./measures/latency.ts";
import { measureMemory } from "./measures/memory.ts";
import { measureReplicas } from "./measures/replicas.ts";
import { measureSizes } from "./measures/sizes.ts";
import { measureStart } from "./measures/start.ts";
import { type Report, reportText } from "./report.ts";
import { measureThroughput } from "./throughput.ts";
import { writeReport } from "./write.ts";

const MEASUREMENTS: Record<string, (bench: Bench, report: Report) => Promise<unknown>> = {
  throughput: async (bench, report) => report.throughput = await measureThroughput(bench),
  replicas: async (bench, report) => report.replicas = await measureReplicas(bench),
  latency: async (bench, report) => report.latency = await measureLatency(bench),
  backlog: async (bench, report) => report.backlog = await measureBacklog(bench),
  memory: async (bench, report) => report.memory = await measureMemory(bench),
  start: async (bench, report) => report.startMs = await measureStart(bench),
  idle: async (bench, report) => report.idle = await measureIdle(bench),
  sizes: async (_, report) => report.sizes = await measureSizes(),
};

async function measure(bench: Bench, only: string | undefined): Promise<Report> {
  const report: Report = { machine: await describeRun(bench) };
  if (only !== undefined && !(only in MEASUREMENTS)) {
    report.throughput = await measureThroughput(bench, only);
    return report;
  }
  for (const [name, run] of Object.entries(MEASUREMENTS)) {
    if (only === undefined || only === name) await run(bench, report);
  }
  return report;
}

async function main(): Promise<number> {
  const { quick, only, out } = parseArgs(Deno.args, { boolean: ["quick"], string: ["only", "out"] });
  if (only !== undefined && !(only in MEASUREMENTS) && !CANDIDATES.some(({ id }) => id.startsWith(only))) {
    const known = [...Object.keys(MEASUREMENTS), ...CANDIDATES.map(({ id }) => id)];
    console.error(`bench: there is no ${only} to measure: give one of ${known.join(", ")}`);
    return 2;
  }
  const dir = await newScratchDir("bench");
  const server = await startMongod({ replicaSet: true });
  const client = new MongoClient(server.uri);
  try {
    const say = (text: string) => console.error(`bench: ${text}`);
    const db = client.db(DATABASE);
    const report = await measure({ server, client, db, dir, isQuick: quick, say }, only);
    console.log(reportText(report));
    if (out !== undefined || (!quick && only === undefined)) await writeReport(report, out ?? `${ROOT}/docs`);
    return 0;
  } finally {
    await client.close();
    await server.stop();
    await removeScratchDir(dir);
  }
}

Deno.exit(await main());
