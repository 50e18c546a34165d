/**
 * Lets several agents work on a stream of documents while they are killed at random. Then checks whether anything was
 * lost, repeated without need, or became a dead letter without reason: `soak.ts [--seconds 600] [--replicas 3]`.
 *
 * @module
 */

import { parseArgs } from "@std/cli/parse-args";
import { type Collection, MongoClient } from "mongodb";
import { systemClock } from "../agent/lib/clock.ts";
import { sleep } from "../agent/lib/deadline.ts";
import { startMongod } from "./mongod.ts";
import { newScratchDir, removeScratchDir } from "./scratch_dir.ts";
import { type Fate, judge, type Kind, type Run, type Verdict } from "./soak_check.ts";
import { endGroup, signalGroup, spawnTied } from "./tied_process.ts";

const PROCESSOR = `
const write = (text) =>
  Deno.writeTextFileSync(Deno.env.get("RUNS") + "/" + Deno.pid, text + " " + Date.now() + "\\n", { append: true });
export default async ({ _id, kind }, { attempt }) => {
  write("start " + _id);
  await new Promise((resolve) => setTimeout(resolve, kind === "slow" ? 300 : 5));
  write("end " + _id);
  if (kind === "hopeless") throw Object.assign(new Error("hopeless"), { permanent: true });
  if (kind === "flaky" && attempt < 2) throw new Error("not yet");
};`;

const SETTINGS = {
  BATCH_SIZE: "20",
  CONCURRENCY: "8",
  LEASE_DURATION: "5",
  MAX_ATTEMPTS: "5",
  POLL_INTERVAL: "200ms",
  RETRY_BACKOFF: "100ms",
  RETRY_BACKOFF_MAX: "1",
  LOG_LEVEL: "ERROR",
};

/** Documents inserted at once, and the pause between two insertions, in milliseconds. */
const [INSERTED, INSERT_MS] = [40, 100];
/**
 * An agent ends at a random time between these, in milliseconds. One in three is asked to end, and the others are
 * killed.
 */
const [END_MIN_MS, END_MAX_MS] = [500, 3000];
/** Once the stream ends, the soak waits for what is left until none of it was done for so long, in milliseconds. */
const STANDSTILL_MS = 120_000;

/** What a soak needs. */
export interface SoakOptions {
  binary: string;
  uri: string;
  database: string;
  seconds: number;
  replicas: number;
}

/** The outcome, with what was done to the agents. */
export interface SoakReport extends Verdict {
  inserted: number;
  killed: number;
  drained: number;
}

interface Job {
  _id: number;
  kind: Kind;
  status: string;
  error?: string;
}

/** Runs a soak to its end, which is some seconds after `seconds`. */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const dir = await newScratchDir("soak");
  const client = new MongoClient(options.uri);
  const jobs = client.db(options.database).collection<Job>("jobs");
  const fleet = new Fleet(dir, options);
  try {
    await Deno.mkdir(`${dir}/runs`);
    await Deno.writeTextFile(`${dir}/processor.js`, PROCESSOR);
    await fleet.start();
    const endMs = performance.now() + options.seconds * 1000;
    const [inserted] = await Promise.all([produce(jobs, endMs), fleet.disturb(endMs)]);
    await untilSettled(jobs);
    await fleet.drain();
    const verdict = judge(await fates(jobs, `${dir}/runs`), inserted, fleet.killed);
    return { ...verdict, inserted, killed: fleet.killed.size, drained: fleet.drained };
  } finally {
    await fleet.stop();
    await client.close();
    await removeScratchDir(dir);
  }
}

/** The agents. Each has a place: when an agent has ended, another one follows in its place. */
class Fleet {
  readonly killed = new Map<number, number>();
  drained = 0;
  readonly #dir: string;
  readonly #options: SoakOptions;
  readonly #agents: Deno.ChildProcess[] = [];

  constructor(dir: string, options: SoakOptions) {
    this.#dir = dir;
    this.#options = options;
  }

  async start(): Promise<void> {
    for (let place = 0; place < this.#options.replicas; place++) {
      this.#agents[place] = await this.#spawn(place);
    }
  }

  /** Ends one agent after the other, at random, and starts another in its place. */
  async disturb(endMs: number): Promise<void> {
    for (;;) {
      await sleep(systemClock, END_MIN_MS + Math.random() * (END_MAX_MS - END_MIN_MS));
      if (performance.now() >= endMs) return;
      const place = Math.floor(Math.random() * this.#agents.length);
      const agent = this.#agents[place]!;
      if (Math.random() < 1 / 3) {
        signalGroup(agent, "SIGTERM");
        this.drained += 1;
      } else {
        this.killed.set(agent.pid, Date.now());
        signalGroup(agent, "SIGKILL");
      }
      await agent.status;
      this.#agents[place] = await this.#spawn(place);
    }
  }

  async drain(): Promise<void> {
    for (const agent of this.#agents) signalGroup(agent, "SIGTERM");
    const codes = await Promise.all(this.#agents.map(async ({ status }) => (await status).code));
    if (codes.some((code) => code !== 0)) throw new Error(`The agents ended with ${codes.join(", ")}`);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#agents.map((agent) => endGroup(agent, 0)));
  }

  #spawn(place: number): Promise<Deno.ChildProcess> {
    const { binary, database, uri } = this.#options;
    const env = {
      ...SETTINGS,
      MONGODB_URI: uri,
      MONGODB_DATABASE: database,
      MONGODB_COLLECTION: "jobs",
      AGENT_NAME: `soak-${place}`,
      PROCESSOR: `module:${this.#dir}/processor.js`,
      HEALTH_DIR: `${this.#dir}/health-${place}`,
      CONTROL_FILE: `${this.#dir}/control`,
      RUNS: `${this.#dir}/runs`,
    };
    return spawnTied(binary, [], { env, stdout: "null" });
  }
}

/** Inserts documents until `endMs`; returns how many. */
async function produce(jobs: Collection<Job>, endMs: number): Promise<number> {
  let next = 0;
  while (performance.now() < endMs) {
    const documents = Array.from(
      { length: INSERTED },
      () => ({ _id: next, kind: kindOf(next++), status: "pending" }),
    );
    await jobs.insertMany(documents);
    await sleep(systemClock, INSERT_MS);
  }
  return next;
}

function kindOf(id: number): Kind {
  if (id % 50 === 7) return "hopeless";
  if (id % 10 === 3) return "flaky";
  return id % 10 === 5 ? "slow" : "good";
}

async function untilSettled(jobs: Collection<Job>): Promise<void> {
  let fewest = Infinity;
  for (let endMs = 0;;) {
    const left = await jobs.countDocuments({ status: { $in: ["pending", "processing"] } });
    if (left < fewest) endMs = performance.now() + STANDSTILL_MS;
    fewest = Math.min(fewest, left);
    if (left === 0 || performance.now() > endMs) return;
    await sleep(systemClock, 200);
  }
}

async function fates(jobs: Collection<Job>, dir: string): Promise<Fate[]> {
  const runs = new Map<number, Run[]>();
  for await (const { name } of Deno.readDir(dir)) {
    for (const line of (await Deno.readTextFile(`${dir}/${name}`)).split("\n")) {
      const [word, id, at] = line.split(" ");
      // If a kill cut the line short, the run has no end time: it counts as not ended.
      if (!at) continue;
      const own = runs.get(Number(id)) ?? [];
      runs.set(Number(id), own);
      if (word === "start") own.push({ pid: Number(name), startMs: Number(at) });
      else own.findLast((run) => run.pid === Number(name))!.endMs = Number(at);
    }
  }
  const letters = await jobs.db.collection("jobs_dead_letters").find().project({ _id: 1 }).toArray();
  const withLetter = new Set(letters.map(({ _id }) => _id));
  const stored = await jobs.find().project<Job>({ kind: 1, status: 1, error: 1 }).toArray();
  return stored.map(({ _id, ...job }) => ({
    ...job,
    id: _id,
    hasLetter: withLetter.has(_id),
    runs: runs.get(_id) ?? [],
  }));
}

/** The report for people. */
export function reportText(
  { inserted, processed, failed, repeated, killed, drained, problems }: SoakReport,
): string {
  return [
    `${inserted} documents: ${processed} processed, ${failed} dead letters, ${repeated} repeated after a kill`,
    `${killed} agents killed, ${drained} drained and replaced`,
    ...problems.slice(0, 20),
    problems.length === 0
      ? "Nothing was lost, repeated without need or dead-lettered without reason"
      : `${problems.length} problems`,
  ].join("\n");
}

if (import.meta.main) {
  const { replicas, seconds } = parseArgs(Deno.args, {
    string: ["replicas", "seconds"],
    default: { replicas: "3", seconds: "600" },
  });
  const binary = new URL("../dist/pulling-agent", import.meta.url).pathname;
  const server = await startMongod({ replicaSet: true });
  let report: SoakReport;
  try {
    report = await soak({
      binary,
      uri: server.uri,
      database: "soak",
      seconds: Number(seconds),
      replicas: Number(replicas),
    });
  } finally {
    await server.stop();
  }
  console.log(reportText(report));
  Deno.exit(report.problems.length === 0 ? 0 : 1);
}
