import type { Collection, Db } from "mongodb";
import { systemClock } from "../../agent/lib/clock.ts";
import { sleep } from "../../agent/lib/deadline.ts";
import { endGroup, spawnTied } from "../../scripts/tied_process.ts";
import { readRuns } from "../../tests/witness/judge_files.ts";
import { judgePeer, type PeerVerdict } from "../../tests/witness/runs_of_peer.ts";
import { Disturbances, type Told } from "../../tests/witness/told.ts";
import { CONCURRENCY, type KilledCandidate, LOCK_MS } from "./candidates.ts";

const REPLICAS = 3;
const KILLS = 10;
/** Between two kills, in milliseconds: a process is started in the place of the killed one at once. */
const [MIN_PAUSE_MS, MAX_PAUSE_MS] = [1000, 3000];
/** One process is frozen for longer than a lock lasts, in milliseconds. */
const FROZEN_MS = LOCK_MS + 2000;
/** What is not done so long after the last kill is lost, in milliseconds. */
const PATIENCE_MS = 60_000;

/** What a run needs. */
export interface KilledRunOptions {
  readonly uri: string;
  readonly db: Db;
  /** Of its own. */
  readonly dir: string;
  readonly random: () => number;
}

/** Three processes of a program share documents. Ten times one of them is killed, and one is frozen. */
export class KilledRun {
  readonly uri: string;
  readonly dir: string;
  readonly db: Db;
  readonly collection: Collection;
  /** Processes so far. */
  started = 0;
  readonly #candidate: KilledCandidate;
  readonly #random: () => number;
  readonly #told: Told[] = [];
  readonly #processes: { name: string; child: Deno.ChildProcess }[] = [];

  constructor(candidate: KilledCandidate, { db, dir, random, uri }: KilledRunOptions) {
    this.#candidate = candidate;
    this.#random = random;
    this.uri = uri;
    this.dir = dir;
    this.db = db;
    this.collection = db.collection(candidate.id === "mongo-jobs" ? "backgroundjobs" : candidate.id);
  }

  /** Runs it to its end, and judges the runs of its handlers. */
  async judge(): Promise<PeerVerdict> {
    const { documents } = this.#candidate;
    await Deno.writeTextFile(`${this.dir}/runs.jsonl`, "");
    await this.#candidate.fill(this, documents);
    try {
      for (let place = 0; place < REPLICAS; place++) this.#processes[place] = await this.#start();
      await this.#untilBegun();
      await this.#disturb();
      await this.#untilDone();
    } finally {
      await Promise.all(this.#processes.map(({ child }) => endGroup(child, 0)));
    }
    const open = await this.collection.find(this.#candidate.open).toArray();
    const isOpen = new Set(open.map((document) => String(this.#candidate.numberOf(document))));
    const all = Array.from({ length: documents }, (_, number) => String(number));
    const done = new Set(all.filter((key) => !isOpen.has(key)));
    return judgePeer(all, done, await readRuns(`${this.dir}/runs.jsonl`), new Disturbances(this.#told));
  }

  async #start(): Promise<{ name: string; child: Deno.ChildProcess }> {
    const name = `${this.#candidate.id}-${++this.started}`;
    const [program, args, env] = this.#candidate.command(this);
    const child = await spawnTied(program, args, {
      env: {
        ...env,
        AGENT_NAME: name,
        WITNESS_RUNS: `${this.dir}/runs.jsonl`,
        LOCK_MS: String(LOCK_MS),
        CONCURRENCY: String(CONCURRENCY),
      },
      withoutEnv: ["MONGODB_URI_FILE"],
      stdout: "null",
      stderr: "null",
    });
    return { name, child };
  }

  async #disturb(): Promise<void> {
    for (let count = 0; count < KILLS; count++) {
      await this.#wait(MIN_PAUSE_MS + this.#random() * (MAX_PAUSE_MS - MIN_PAUSE_MS));
      const place = Math.floor(this.#random() * REPLICAS);
      const { child, name } = this.#processes[place]!;
      if (count === KILLS >> 1) {
        const at = Date.now();
        child.kill("SIGSTOP");
        await this.#wait(FROZEN_MS);
        child.kill("SIGCONT");
        this.#told.push({ what: "cut", agent: name, at, until: Date.now() });
        continue;
      }
      child.kill("SIGKILL");
      this.#told.push({ what: "killed", agent: name, at: Date.now() });
      await child.status;
      this.#processes[place] = await this.#start();
    }
  }

  async #untilBegun(): Promise<void> {
    while ((await Deno.stat(`${this.dir}/runs.jsonl`)).size === 0) await this.#wait(50);
  }

  async #untilDone(): Promise<void> {
    const endMs = performance.now() + PATIENCE_MS;
    while (await this.collection.findOne(this.#candidate.open) && performance.now() < endMs) {
      await this.#wait(500);
    }
  }

  #wait(ms: number): Promise<void> {
    return sleep(systemClock, ms);
  }
}
