import type { Verdict } from "./breaches.ts";
import { judgeFiles } from "./judge_files.ts";
import { OplogTail } from "./oplog_tail.ts";
import type { Terms } from "./terms.ts";
import type { Told } from "./told.ts";

/** What a witness needs to know before the run begins. */
export interface WitnessOptions extends Omit<Terms, "letters"> {
  /** Names the members of the set themselves: what is between agents and servers must not come between. */
  readonly uri: string;
  /** Where the files of the run are kept: all that is needed to judge it again. It has to exist. */
  readonly dir: string;
  /** Default: the name of the collection and `_dead_letters`. */
  readonly letters?: string;
}

/**
 * Records a run: what the server writes into its oplog, and what is done to the agents. The runs of handlers are written
 * down by the processors themselves, see `run_log.ts`. At the end it judges all of it by the rules of docs/protocol.md.
 */
export class Witness implements AsyncDisposable {
  /** For the variable `WITNESS_RUNS` of each agent. */
  readonly runsFile: string;
  readonly #dir: string;
  readonly #told: Deno.FsFile;
  readonly #oplog: Deno.FsFile;
  readonly #tail: OplogTail;
  #isOver = false;

  private constructor(dir: string, files: { told: Deno.FsFile; oplog: Deno.FsFile }, tail: OplogTail) {
    this.#dir = dir;
    this.runsFile = `${dir}/runs.jsonl`;
    this.#told = files.told;
    this.#oplog = files.oplog;
    this.#tail = tail;
  }

  /** Begins to record. Nothing must have been written to the collections yet. */
  static async start({ dir, letters: named, uri, ...rest }: WitnessOptions): Promise<Witness> {
    const terms: Terms = { ...rest, letters: named ?? `${rest.collection}_dead_letters` };
    await Deno.writeTextFile(`${dir}/terms.json`, JSON.stringify(terms));
    await Deno.writeTextFile(`${dir}/runs.jsonl`, "");
    const oplog = await Deno.open(`${dir}/oplog.bson`, { write: true, create: true, truncate: true });
    const told = await Deno.open(`${dir}/told.jsonl`, { write: true, create: true, truncate: true });
    const { collection, database, effects = [], letters } = terms;
    const names = [collection, letters, `${collection}_agents`, ...effects.map((each) => each.collection)];
    const tail = await OplogTail.start({
      uri,
      namespaces: names.map((name) => `${database}.${name}`),
      onEntry: (bytes) => writeAll(oplog, bytes),
    });
    return new Witness(dir, { told, oplog }, tail);
  }

  /** An agent was killed just now, by its `AGENT_NAME`. */
  killed(agent: string): void {
    this.#tell({ what: "killed", agent, at: Date.now() });
  }

  /** An agent was told to end just now: it may release what it works on. */
  stopped(agent: string): void {
    this.#tell({ what: "stopped", agent, at: Date.now() });
  }

  /** An agent cannot reach the server from now on, or cannot run: until what is returned is called. `*`: all of them. */
  cutOff(agent: string): () => void {
    const at = Date.now();
    this.#tell({ what: "cut", agent, at });
    return () => this.#tell({ what: "cut", agent, at, until: Date.now() });
  }

  /** The same of a time that is over, in milliseconds since 1970: some cuts are known only by what they left. */
  wasCutOff(agent: string, { fromMs, toMs }: { fromMs: number; toMs: number }): void {
    this.#tell({ what: "cut", agent, at: fromMs, until: toMs });
  }

  /** The clock of an agent's process is not that of this machine. */
  shifted(agent: string): void {
    this.#tell({ what: "shifted", agent, at: Date.now() });
  }

  /** Records what is written by now, and judges the run. All agents must have ended, and all documents be settled. */
  async finish(): Promise<Verdict> {
    await this.#stop();
    return await judgeFiles(this.#dir);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // What went wrong with a run that was not finished is told by what ended it.
    await this.#stop().catch(() => {});
  }

  async #stop(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    try {
      await this.#tail.end();
    } finally {
      this.#oplog.close();
      this.#told.close();
    }
  }

  #tell(told: Told): void {
    writeAll(this.#told, new TextEncoder().encode(`${JSON.stringify(told)}\n`));
  }
}

function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let from = 0; from < bytes.length;) from += file.writeSync(bytes.subarray(from));
}
