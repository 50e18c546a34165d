/**
 * Runs batches of tests on parallel tracks. Most tests wait more than they compute, and so their waits overlap.
 *
 * Each track has MongoDB servers of its own and runs one batch at a time. A fail point holds for a whole server, so it
 * affects the tests of one file only.
 *
 * @module
 */

import type { Batch } from "./lanes.ts";
import { type ReportedTest, testsOf } from "./junit.ts";
import { type RunningMongod, startMongod } from "./mongod.ts";
import { endGroup, spawnTied } from "./tied_process.ts";

const PERMISSIONS = ["read", "write", "net", "env", "run", "sys"].map((name) => `--allow-${name}`);
/** Off in Deno by default. With these, a test fails if it leaves a timer, a file or a connection behind. */
const SANITIZERS = ["--sanitize-ops", "--sanitize-resources"];
const CHILD_GRACE_MS = 5_000;

/** The result of a process of `deno test`. */
export interface BatchResult {
  tests: ReportedTest[];
  /** Whether the process itself succeeded. */
  success: boolean;
}

/** The programs of a run; an interruption ends all of them. */
export class TestRun {
  readonly #root: string;
  readonly #running = new Set<Deno.ChildProcess>();
  readonly #interrupted = new AbortController();

  constructor(root: string) {
    this.#root = root;
  }

  /** Whether {@linkcode interrupt} was called. */
  get isInterrupted(): boolean {
    return this.#interrupted.signal.aborted;
  }

  /** Ends all that runs; a later start throws `reason`. */
  interrupt(reason: Error): void {
    this.#interrupted.abort(reason);
    for (const child of this.#running) void endGroup(child, CHILD_GRACE_MS);
  }

  /**
   * Runs a program and returns whether it succeeded.
   *
   * @param isHeldBack print its output when it has ended, in one piece, instead of at once
   */
  async program(
    name: string,
    args: string[],
    { env = {}, isHeldBack = false }: { env?: Record<string, string>; isHeldBack?: boolean } = {},
  ): Promise<boolean> {
    this.#interrupted.signal.throwIfAborted();
    const output = isHeldBack ? "piped" : "inherit";
    const child = await spawnTied(name, args, {
      cwd: this.#root,
      env,
      withoutEnv: ["RUST_BACKTRACE"],
      stdout: output,
      stderr: output,
    });
    this.#running.add(child);
    try {
      if (isHeldBack) {
        const [out, err] = await Promise.all([
          new Response(child.stdout).text(),
          new Response(child.stderr).text(),
        ]);
        console.log((out + err).trimEnd());
      }
      const { success } = await child.status;
      this.#interrupted.signal.throwIfAborted();
      return success;
    } finally {
      this.#running.delete(child);
    }
  }

  /** Runs `deno test` with these arguments and reads its report. */
  async denoTest(
    args: string[],
    options: { env?: Record<string, string>; isHeldBack?: boolean },
  ): Promise<BatchResult> {
    const report = await Deno.makeTempFile({ suffix: ".xml" });
    try {
      const all = ["test", ...PERMISSIONS, ...SANITIZERS, `--junit-path=${report}`, ...args];
      const success = await this.program(Deno.execPath(), all, options);
      return { tests: testsOf(await Deno.readTextFile(report)), success };
    } finally {
      await Deno.remove(report);
    }
  }

  /** Runs the batches in their order, on as many tracks; `onResult` is called as each ends. */
  async batches(
    batches: readonly Batch[],
    tracks: number,
    onResult: (batch: Batch, result: BatchResult) => void,
  ): Promise<void> {
    const queue = [...batches];
    const count = Math.min(tracks, queue.length);
    // All of them end before this does, so that no server outlives the run.
    const ended = await Promise.allSettled(
      Array.from({ length: count }, () => this.#track(queue, tracks === 1, onResult)),
    );
    for (const end of ended) if (end.status === "rejected") throw end.reason;
  }

  async #track(
    queue: Batch[],
    isOneByOne: boolean,
    onResult: (batch: Batch, result: BatchResult) => void,
  ): Promise<void> {
    await using servers = new TestServers(this.#root);
    for (let batch = queue.shift(); batch !== undefined; batch = queue.shift()) {
      const jobs = isOneByOne ? 1 : batch.jobs;
      const env = {
        ...(batch.needsServers && await servers.environment()),
        ...(jobs !== undefined && { DENO_JOBS: String(jobs) }),
      };
      await using modules = await TestModules.of(batch, this.#root);
      // The checks check the types once for all.
      const args = ["--no-check", ...batch.options, ...modules.paths];
      console.log(`begins  ${batch.name}`);
      onResult(batch, await this.denoTest(args, { env, isHeldBack: true }));
    }
  }
}

/** The modules for `deno test`: the files of a batch, or a few modules that import them. */
class TestModules implements AsyncDisposable {
  readonly paths: readonly string[];
  readonly #dir: string | undefined;

  private constructor(paths: readonly string[], dir?: string) {
    this.paths = paths;
    this.#dir = dir;
  }

  static async of({ files, modules }: Batch, root: string): Promise<TestModules> {
    const paths = files.map((file) => `${root}/${file}`);
    if (modules === undefined) return new TestModules(paths);
    const dir = await Deno.makeTempDir({ prefix: "tests-" });
    const merged = Array.from(
      { length: Math.min(modules, files.length) },
      (_, part) => `${dir}/part_${part}.ts`,
    );
    for (const [part, path] of merged.entries()) {
      const imported = paths.filter((_, at) => partOf(at, merged.length) === part);
      await Deno.writeTextFile(path, imported.map((each) => `import "file://${each}";\n`).join(""));
    }
    return new TestModules(merged, dir);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#dir !== undefined) await Deno.remove(this.#dir, { recursive: true });
  }
}

/** To and fro, so that the first module does not get the longest file of each round. */
function partOf(at: number, count: number): number {
  const place = at % count;
  return Math.floor(at / count) % 2 === 0 ? place : count - 1 - place;
}

/** The MongoDB servers of a track, started when the first test needs them. */
export class TestServers implements AsyncDisposable {
  readonly #root: string;
  #servers: RunningMongod[] | undefined;

  constructor(root: string) {
    this.#root = root;
  }

  /** The variables by which tests find the servers and the executable. */
  async environment(): Promise<Record<string, string>> {
    this.#servers ??= await startBoth();
    const [replicaSet, standalone] = this.#servers as [RunningMongod, RunningMongod];
    return {
      TEST_MONGODB_URI: replicaSet.uri,
      TEST_MONGODB_STANDALONE_URI: standalone.uri,
      TEST_AGENT_BINARY: `${this.#root}/dist/pulling-agent`,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers ?? []) await server.stop();
  }
}

async function startBoth(): Promise<RunningMongod[]> {
  const servers = await Promise.allSettled([
    startMongod({ replicaSet: true, testCommands: true }),
    startMongod({ testCommands: true }),
  ]);
  const failed = servers.find((it) => it.status === "rejected");
  const started = servers.flatMap((it) => it.status === "fulfilled" ? [it.value] : []);
  if (failed === undefined) return started;
  for (const server of started) await server.stop();
  throw failed.reason;
}
