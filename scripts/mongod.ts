/**
 * A real MongoDB server for development and tests: started on a free port, thrown away at the end.
 *
 * @module
 */

import { MongoClient } from "mongodb";
import { FileChanges, readFrom, sizeOf } from "./file_changes.ts";
import { newScratchDir, placeInMemory, removeScratchDir } from "./scratch_dir.ts";
import { findProgram, spawnTied } from "./tied_process.ts";

/** How long a server may take to accept connections or to elect itself primary. */
const START_TIMEOUT_MS = 120_000;
const START_TRIES = 5;
const LOCAL = "127.0.0.1";
/**
 * Below the range from which the system takes ports for outgoing connections: after a restart its port is still free.
 */
const FIRST_PORT = 20_000;
const PORT_COUNT = 12_000;
/** The journal takes 300 MB otherwise, written when the server starts. */
const SMALL_JOURNAL = "log=(prealloc=false,file_max=16MB)";
const READY_LOG_ID = 23016;
const ADDRESS_IN_USE = "Address already in use";

/**
 * Starts a MongoDB server and resolves when it takes reads and writes.
 *
 * @throws {Error} when there is no `mongod`, or when it ends instead of starting; the message says how to mend it
 */
export async function startMongod(options: MongodOptions = {}): Promise<RunningMongod> {
  for (let attempt = 1;; attempt++) {
    const scratch = options.dbPath === undefined ? await newDataDir(options) : undefined;
    const dbPath = options.dbPath ?? scratch!;
    await Deno.mkdir(dbPath, { recursive: true });
    const server = new RunningMongod({
      ...options,
      dbPath,
      scratch,
      port: options.port ?? freePort(),
      logPath: options.logPath ?? `${dbPath}/mongod.log`,
    });
    try {
      await server.start();
      return server;
    } catch (error) {
      await server.stop();
      const lostRace = options.port === undefined && String(error).includes(ADDRESS_IN_USE);
      if (!lostRace || attempt === START_TRIES) throw error;
    }
  }
}

async function newDataDir({ onDisk = false }: MongodOptions): Promise<string> {
  return await newScratchDir("mongod", onDisk ? undefined : await placeInMemory());
}

type Settings = MongodOptions & {
  dbPath: string;
  port: number;
  logPath: string;
  scratch: string | undefined;
};

/** A MongoDB server for this script; `await using` stops it at the end of the block. */
export class RunningMongod implements AsyncDisposable {
  readonly uri: string;
  readonly port: number;
  readonly logPath: string;
  readonly #settings: Settings;
  #child: Deno.ChildProcess | undefined;

  /** Use {@linkcode startMongod}. */
  constructor(settings: Settings) {
    this.#settings = settings;
    this.port = settings.port;
    this.logPath = settings.logPath;
    this.uri = `mongodb://${this.#address}/${settings.replicaSet ? "?replicaSet=rs0" : ""}`;
  }

  /** Process id of the running server. @throws {Error} when it does not run */
  get pid(): number {
    return this.#running().pid;
  }

  /** Resolves when the server process that runs now has ended, for any reason. */
  get exited(): Promise<Deno.CommandStatus> {
    return this.#running().status;
  }

  /** Starts the server again after {@linkcode kill}, on the same port and data. */
  async start(): Promise<void> {
    const { args: more = [], cacheGb = 0.5, dbPath, host, port, logPath, onDisk, replicaSet, testCommands } =
      this.#settings;
    const logged = await sizeOf(logPath);
    const binary = await requireMongod();
    const parameters = [
      "diagnosticDataCollectionEnabled=false",
      ...(testCommands ? ["enableTestCommands=1"] : []),
    ];
    // deno-fmt-ignore
    const args = [
      "--dbpath", dbPath, "--port", String(port), "--bind_ip", host === undefined ? LOCAL : `${LOCAL},${host}`, "--nounixsocket",
      "--logpath", logPath, "--logappend", "--wiredTigerCacheSizeGB", String(cacheGb),
      ...parameters.flatMap((parameter) => ["--setParameter", parameter]),
      ...(onDisk ? [] : ["--wiredTigerEngineConfigString", SMALL_JOURNAL]),
      ...(replicaSet ? ["--replSet", "rs0", "--oplogSize", "128"] : []), ...more,
    ];
    const child = await spawnTied(binary, args, { stdout: "null" });
    this.#child = child;
    await this.#untilAccepting(child, logged);
    if (replicaSet) await this.#untilPrimary();
  }

  /** Stops the server; a second call does nothing. Data in a temporary directory is removed. */
  async stop(): Promise<void> {
    if (this.#settings.scratch !== undefined) {
      // No one will read this data again: a clean shutdown would only take time.
      await this.kill();
      await removeScratchDir(this.#settings.scratch);
    } else {
      await this.#shutDown();
    }
  }

  /** Ends the server at once (SIGKILL), as a crash would. Data stays, for {@linkcode start}. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    signal(child, "SIGKILL");
    await child.status;
  }

  /** Stops the server in good order and starts it on the same port and data. */
  async restart(): Promise<void> {
    await this.#shutDown();
    await this.start();
  }

  /** Freezes the process (SIGSTOP): connections stay open, and nothing is answered. */
  freeze(): void {
    signal(this.#running(), "SIGSTOP");
  }

  /** Undoes {@linkcode freeze}. */
  thaw(): void {
    signal(this.#running(), "SIGCONT");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  get #address(): string {
    return `${this.#settings.host ?? LOCAL}:${this.port}`;
  }

  #running(): Deno.ChildProcess {
    if (this.#child === undefined) {
      throw new Error(`The mongod on port ${this.port} does not run: start() it first`);
    }
    return this.#child;
  }

  async #shutDown(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    signal(child, "SIGCONT");
    signal(child, "SIGTERM");
    // A primary waits 15 s for clients to leave. A second SIGTERM does not shorten that, so the wait is bounded here.
    const insist = setTimeout(() => signal(child, "SIGKILL"), 20_000);
    await child.status;
    clearTimeout(insist);
  }

  async #untilAccepting(child: Deno.ChildProcess, logged: number): Promise<void> {
    let ended: Deno.CommandStatus | undefined;
    const changes = new FileChanges(this.#settings.logPath);
    child.status.then((status) => {
      ended = status;
      changes.close();
    });
    const deadline = setTimeout(() => changes.close(), START_TIMEOUT_MS);
    try {
      do {
        const text = await readFrom(this.#settings.logPath, logged);
        if (text.includes(`"id":${READY_LOG_ID},`)) return;
        if (ended !== undefined) throw this.#startError(`ended with code ${ended.code}`, text);
      } while (await changes.next() || ended !== undefined);
      throw this.#startError(`did not accept connections within ${START_TIMEOUT_MS / 1000} s`, "");
    } finally {
      clearTimeout(deadline);
      changes.close();
    }
  }

  #startError(what: string, log: string): Error {
    const known = log.includes(ADDRESS_IN_USE) ? `${ADDRESS_IN_USE} (port ${this.port})` : lastError(log);
    return new Error(`Cannot start mongod: it ${what}${known ? `: ${known}` : ""}`);
  }

  async #untilPrimary(): Promise<void> {
    await using direct = new MongoClient(`mongodb://${LOCAL}:${this.port}/?directConnection=true`);
    try {
      await direct.db("admin").command({
        replSetInitiate: {
          _id: "rs0",
          members: [{ _id: 0, host: this.#address }],
          settings: { electionTimeoutMillis: 500 },
        },
      });
    } catch (error) {
      if ((error as { codeName?: string }).codeName !== "AlreadyInitialized") throw error;
    }
    const admin = direct.db("admin");
    const asSent = { promoteLongs: false }; // topologyVersion has to go back as it came
    const deadline = performance.now() + START_TIMEOUT_MS;
    let hello = await admin.command({ hello: 1 }, asSent);
    while (!hello.isWritablePrimary) {
      if (performance.now() > deadline) throw this.#startError("did not become primary", "");
      const { topologyVersion } = hello;
      // Answered when the server's role changes, or after the wait.
      hello = await admin.command({ hello: 1, topologyVersion, maxAwaitTimeMS: 1000 }, asSent);
    }
  }
}

/** What can be chosen for a server started with {@linkcode startMongod}. */
export interface MongodOptions {
  /** Run as a replica set of one, which change streams and retryable writes need. Default: false. */
  replicaSet?: boolean;
  /** Where the data is kept; it stays at the end. Default: a temporary directory, removed at the end. */
  dbPath?: string;
  /**
   * Keep a temporary directory on the disk, and the journal as large as it is by default, as real servers do: for
   * measurements. Default: false, in memory if there is room, which saves a third of the server's CPU time in tests.
   */
  onDisk?: boolean;
  /** The address by which clients know the server, if they are on other machines. Default: 127.0.0.1. */
  host?: string;
  /** Default: a free one. */
  port?: number;
  /** The log file of the server. Default: `mongod.log` in the temporary directory, or in `dbPath`. */
  logPath?: string;
  /** Allow test commands such as the fail point `failCommand`. Default: false. */
  testCommands?: boolean;
  /** Memory for its cache, in GiB. Default: 0.5. */
  cacheGb?: number;
  /** Further arguments of the server's, such as `--keyFile` and a path. */
  args?: readonly string[];
}

async function requireMongod(): Promise<string> {
  const name = Deno.env.get("MONGOD_BIN") || "mongod";
  const path = await findProgram(name);
  if (path !== undefined) return path;
  throw new Error(
    `There is no MongoDB server to run: '${name}' was not found; run 'sh scripts/setup.sh', ` +
      "or point MONGOD_BIN at a mongod",
  );
}

function freePort(): number {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORT_COUNT);
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

function signal(child: Deno.ChildProcess, name: Deno.Signal): void {
  try {
    child.kill(name);
  } catch (error) {
    // It has ended already, which is the purpose of most signals here.
    if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** The message of the last log line of severity error or fatal, if there is one. */
function lastError(log: string): string | undefined {
  const line = log.split("\n").findLast((line) => /"s":"[EF]"/.test(line));
  if (line === undefined) return undefined;
  const { msg, attr } = JSON.parse(line);
  return `${msg} ${JSON.stringify(attr ?? {})}`.slice(0, 300);
}
