import { exists } from "@std/fs";
import { newScratchDir, removeScratchDir } from "../scripts/scratch_dir.ts";
import { endGroup, findProgram, spawnTied } from "../scripts/tied_process.ts";
import { until } from "./bench.ts";
import { cpuMsOfAll } from "./proc.ts";
import { runToEnd } from "./programs.ts";
import type { CountedServer, Work } from "./server_cost.ts";

/** Where Debian keeps the programs of each version of the server: only some of them are in `PATH`. */
const DEBIAN = "/usr/lib/postgresql";
/** The server refuses to run as root: Debian's package makes this user for it. */
const USER = "postgres";
const IS_ROOT = Deno.uid() === 0;

/** Memory like the server of MongoDB has, and no checkpoint in the middle of a run. The rest is as Debian ships it. */
const SETTINGS = [
  "shared_buffers=512MB",
  "max_wal_size=8GB",
  "log_min_messages=fatal",
  "log_checkpoints=off",
  // In its directory, which is removed, also after a kill.
  "dynamic_shared_memory_type=mmap",
];

const WORK =
  "select pg_current_wal_insert_lsn() - '0/0', sum(xact_commit + xact_rollback) from pg_stat_database";

/**
 * A PostgreSQL server of its own, on a socket in a temporary directory, where the user "postgres" has all rights without
 * a password. `await using` stops it and removes all.
 */
export class BenchPostgres implements AsyncDisposable, CountedServer {
  /** The directory of its socket: what clients call its host. */
  readonly host: string;
  readonly #programs: string;
  #child: Deno.ChildProcess | undefined;

  private constructor(host: string, programs: string) {
    this.host = host;
    this.#programs = programs;
  }

  /** @throws {Error} if it does not start */
  static async start(): Promise<BenchPostgres> {
    const programs = await findPrograms();
    const server = new BenchPostgres(await newScratchDir("postgres"), programs);
    try {
      await server.#start();
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Runs statements one after the other; returns the columns of all rows, without heads. @throws {Error} if one fails */
  async sql(...statements: string[]): Promise<string[][]> {
    const args = ["-X", "-h", this.host, "-U", USER, "-d", USER, "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1"];
    const printed = await runToEnd(
      `${this.#programs}/psql`,
      [...args, ...statements.flatMap((each) => ["-c", each])],
    );
    return printed.trim().split("\n").filter(Boolean).map((line) => line.split("|"));
  }

  /** Transactions stand for commands: graphile-worker has one statement in each. */
  async count(): Promise<() => Promise<Work>> {
    const [logBefore, transactionsBefore] = await this.#work();
    // The connection that asks has its cost, so it is closed on both sides of what is counted.
    const cpuBefore = await cpuMsOfAll(this.#child!.pid);
    return async () => {
      const cpuAfter = await cpuMsOfAll(this.#child!.pid);
      const [log, transactions] = await this.#work();
      return {
        commands: transactions - transactionsBefore,
        cpuMs: cpuAfter - cpuBefore,
        logBytes: log - logBefore,
      };
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child) await endGroup(this.#child, 10_000);
    await removeScratchDir(this.host);
  }

  async #start(): Promise<void> {
    const dir = this.#programs;
    const data = `${this.host}/data`;
    if (IS_ROOT) await runToEnd("chown", [USER, this.host]);
    await runToEnd(...asUser(`${dir}/initdb`, [
      ...["--pgdata", data, "--username", USER, "--auth", "trust"],
      ...["--encoding", "UTF8", "--locale", "C", "--no-sync"],
    ]));
    const settings = [...SETTINGS, "listen_addresses=", `unix_socket_directories=${this.host}`];
    const args = ["-D", data, ...settings.flatMap((each) => ["-c", each])];
    // Tied once more behind the change of the user, which unties it.
    const tied = ["--pdeathsig", "KILL", `${dir}/postgres`, ...args];
    const child = this.#child = IS_ROOT
      ? await spawnTied(...asUser("setpriv", tied))
      : await spawnTied(`${dir}/postgres`, args);
    let isOver = false;
    child.status.then(() => isOver = true);
    await until(async () => {
      if (isOver) throw new Error("PostgreSQL has ended at its start");
      // Its last line tells, as for pg_ctl; a connection that comes too early would be logged as fatal.
      const text = await Deno.readTextFile(`${data}/postmaster.pid`).catch(() => "");
      return text.trimEnd().endsWith("ready");
    }, { limitMs: 60_000 });
  }

  async #work(): Promise<[logBytes: number, transactions: number]> {
    const [row] = await this.sql(WORK);
    return [Number(row![0]), Number(row![1])];
  }
}

let there: Promise<boolean> | undefined;

/**
 * Whether PostgreSQL is available; if not, one line reports it.
 *
 * @throws {Error} instead, with `REQUIRE_ALL=1`
 */
export function canHavePostgres(): Promise<boolean> {
  return there ??= findPrograms().then(() => true, (error) => {
    if (Deno.env.get("REQUIRE_ALL") === "1") throw error;
    console.log(
      "SKIP graphile-worker, there is no PostgreSQL that can run here, apt-get install postgresql",
    );
    return false;
  });
}

/** The version of PostgreSQL; undefined if there is none. */
export async function postgresVersion(): Promise<string | undefined> {
  const programs = await findPrograms().catch(() => undefined);
  if (!programs) return undefined;
  return (await runToEnd(`${programs}/postgres`, ["--version"])).trim().replace(/^.*\) /, "");
}

/** The directory of the server's programs. @throws {Error} if they are missing, or have no user to run as */
async function findPrograms(): Promise<string> {
  const dir = await newestOfDebian() ?? await besideInitdb();
  if (dir === undefined) throw new Error("There is no PostgreSQL, apt-get install postgresql");
  await runToEnd(...asUser(`${dir}/initdb`, ["--version"]));
  return dir;
}

/** How a program is started that refuses to run as root. */
function asUser(program: string, args: string[]): [program: string, args: string[]] {
  if (!IS_ROOT) return [program, args];
  return ["setpriv", [`--reuid=${USER}`, `--regid=${USER}`, "--clear-groups", program, ...args]];
}

async function newestOfDebian(): Promise<string | undefined> {
  const versions = await Array.fromAsync(Deno.readDir(DEBIAN)).catch(() => []);
  for (const version of versions.map(({ name }) => Number(name)).toSorted((a, b) => b - a)) {
    const dir = `${DEBIAN}/${version}/bin`;
    // Of some versions only the client is installed.
    if (await exists(`${dir}/initdb`)) return dir;
  }
  return undefined;
}

/** A link in `PATH` may lead to one of them only. */
async function besideInitdb(): Promise<string | undefined> {
  const path = await findProgram("initdb");
  return path && (await Deno.realPath(path)).replace(/\/[^/]*$/, "");
}
