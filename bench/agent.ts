import { type Counter, COUNTERS } from "../health/counters.ts";
import { readStatus, type Status } from "../health/status.ts";
import { endGroup, spawnTied } from "../scripts/tied_process.ts";
import { type Bench, DATABASE, ROOT, until } from "./bench.ts";

/** The executable that is measured. */
export const BINARY = `${ROOT}/dist/pulling-agent`;

/** The settings with which the agent is fastest, according to its documents. */
export const BEST = { BATCH_SIZE: "2000" } as const;

/** The same in range mode. */
export const BEST_BY_RANGES = { CLAIM_MODE: "range", BATCH_SIZE: "2000" } as const;

/** A processor that does nothing. */
const NOOP = "export default async () => {};\n";

/** The options of {@linkcode startAgent}. */
export interface AgentOptions {
  collection: string;
  /** The source of its processor. Default: {@linkcode NOOP}. */
  module?: string;
  env?: Record<string, string>;
  /** Claims nothing before {@linkcode BenchAgent.resume}. */
  isPaused?: boolean;
  stdout?: "null" | "piped";
}

let started = 0;

/** Starts the executable as a user would, with default settings if `env` gives no others. */
export async function startAgent(bench: Bench, options: AgentOptions): Promise<BenchAgent> {
  const { collection, module = NOOP, env = {}, isPaused, stdout = "null" } = options;
  const dir = `${bench.dir}/agent-${++started}`;
  await Deno.mkdir(`${dir}/control`, { recursive: true });
  await Deno.writeTextFile(`${dir}/processor.js`, module);
  await Deno.writeTextFile(`${dir}/control/state`, isPaused ? "pause" : "resume");
  const spawnedAtMs = Date.now();
  const child = await spawnTied(BINARY, ["run"], {
    stdout,
    env: {
      MONGODB_URI: bench.server.uri,
      MONGODB_DATABASE: DATABASE,
      MONGODB_COLLECTION: collection,
      PROCESSOR: `module:${dir}/processor.js`,
      HEALTH_DIR: `${dir}/health`,
      CONTROL_FILE: `${dir}/control/state`,
      AGENT_NAME: `bench-${started}`,
      READY_WHILE_PAUSED: "true",
      ...env,
    },
    withoutEnv: ["MONGODB_URI_FILE"],
  });
  return new BenchAgent(child, dir, spawnedAtMs);
}

/** An agent under measurement; `await using` drains it. */
export class BenchAgent implements AsyncDisposable {
  readonly child: Deno.ChildProcess;
  readonly dir: string;
  readonly spawnedAtMs: number;

  /** Use {@linkcode startAgent}. */
  constructor(child: Deno.ChildProcess, dir: string, spawnedAtMs: number) {
    this.child = child;
    this.dir = dir;
    this.spawnedAtMs = spawnedAtMs;
  }

  get pid(): number {
    return this.child.pid;
  }

  /** Resolves once it is connected and has started its loop. */
  async ready(): Promise<void> {
    await until(() => Deno.stat(`${this.dir}/health/readiness`).catch(() => undefined), { limitMs: 60_000 });
  }

  async pause(): Promise<void> {
    await this.#control("pause");
    await until(async () => (await this.status())?.state === "paused", { limitMs: 60_000 });
  }

  async resume(): Promise<void> {
    await this.#control("resume");
  }

  /** The content of `status.json`; undefined before the first is written. */
  async status(): Promise<Status | undefined> {
    return await readStatus(`${this.dir}/health`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await endGroup(this.child, 60_000);
  }

  async #control(word: "pause" | "resume"): Promise<void> {
    await Deno.writeTextFile(`${this.dir}/control/state`, word);
  }
}

/** The counters of several agents together. */
export type Counts = Record<Counter, number>;

/** The counters of the agents once they have processed `count` documents: each agent reports once a second. */
export async function countsOf(agents: readonly BenchAgent[], count: number): Promise<Counts> {
  return await until(async () => {
    const all = await Promise.all(agents.map((agent) => agent.status()));
    const names = Object.keys(COUNTERS) as Counter[];
    const sums = names.map((name) => [
      name,
      all.reduce((sum, status) => sum + (status?.counters[name] ?? 0), 0),
    ]);
    const counts: Counts = Object.fromEntries(sums);
    return counts.processed === count && counts;
  }, { limitMs: 60_000 });
}
