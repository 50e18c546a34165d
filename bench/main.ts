/**
 * Compares the agent with what people use and with the limit, and measures what it costs:
 * `main.ts [--quick] [--only NAMES] [--out DIRECTORY]`.
 *
 * Each measurement replaces its own figures in `performance.json` of the directory, by default `docs/`; all figures of
 * that file go into `performance.md` (between its marks), `performance.svg` and `performance_server.svg`. With `--only`
 * (measurements or beginnings of candidates' ids, with commas between them) and with `--quick` they are only printed,
 * unless `--out` says where to write.
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
import { measureProcessors } from "./measures/processors.ts";
import { measureReplicas } from "./measures/replicas.ts";
import { measureSizes } from "./measures/sizes.ts";
import { measureStart } from "./measures/start.ts";
import { type Figures, reportText, type Results } from "./report.ts";
import { measureEffects, measureThroughput } from "./throughput.ts";
import { writeResults } from "./write.ts";

/** All measurements, in their order. */
const MEASUREMENTS: { [Name in keyof Figures]: (bench: Bench) => Promise<Figures[Name]> } = {
  throughput: measureThroughput,
  processors: measureProcessors,
  effects: measureEffects,
  replicas: measureReplicas,
  latency: measureLatency,
  backlog: measureBacklog,
  memory: measureMemory,
  start: measureStart,
  idle: measureIdle,
  sizes: measureSizes,
};

/** What the command line asks for. */
interface Wanted {
  measurements: (keyof Figures)[];
  /** Beginnings of the ids of candidates, if not all of them take part. */
  candidates: string[];
  /** Undefined if nothing is to be written. */
  out: string | undefined;
  isQuick: boolean;
}

/** @throws {Error} if it asks for what does not exist */
function wanted(args: string[]): Wanted {
  const { quick, only, out } = parseArgs(args, { boolean: ["quick"], string: ["only", "out"] });
  const all = Object.keys(MEASUREMENTS) as (keyof Figures)[];
  const isQuick = quick;
  if (only === undefined) {
    return { measurements: all, candidates: [], out: out ?? (quick ? undefined : `${ROOT}/docs`), isQuick };
  }
  const names = only.split(",");
  const measurements = all.filter((name) => names.includes(name));
  const candidates = names.filter((name) => !(name in MEASUREMENTS));
  const unknown = candidates.find((name) => !CANDIDATES.some(({ id }) => id.startsWith(name)));
  if (unknown !== undefined) {
    const known = [...all, ...CANDIDATES.map(({ id }) => id)].join(", ");
    throw new Error(`there is no ${unknown} to measure: give some of ${known}`);
  }
  if (candidates.length > 0 && out !== undefined) {
    throw new Error(
      `${candidates[0]} is one of the candidates, which are written all together: give --only throughput`,
    );
  }
  return { measurements, candidates, out, isQuick };
}

/** Measures and writes one after the other, so that a failure costs no figures. */
async function measureAll(bench: Bench, { measurements, candidates, out }: Wanted): Promise<Results> {
  const conditions = await describeRun(bench);
  const results: Results = {};
  if (candidates.length > 0) {
    results.throughput = { conditions, figures: await measureThroughput(bench, candidates) };
  }
  for (const name of measurements) {
    Object.assign(results, { [name]: { conditions, figures: await MEASUREMENTS[name](bench) } });
    if (out !== undefined) await writeResults(results, out);
  }
  return results;
}

async function main(): Promise<number> {
  const say = (text: string) => console.error(`bench: ${text}`);
  let asked: Wanted;
  try {
    asked = wanted(Deno.args);
  } catch (error) {
    say((error as Error).message);
    return 2;
  }
  const dir = await newScratchDir("bench");
  const server = await startMongod({ replicaSet: true, onDisk: true });
  const client = new MongoClient(server.uri);
  try {
    const db = client.db(DATABASE);
    console.log(
      reportText(await measureAll({ server, client, db, dir, isQuick: asked.isQuick, say }, asked)),
    );
    return 0;
  } finally {
    await client.close();
    await server.stop();
    await removeScratchDir(dir);
  }
}

Deno.exit(await main());
