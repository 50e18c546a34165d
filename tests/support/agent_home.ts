/**
 * Where an agent under test lives: a directory with its health files, its control file and its processor, and the
 * environment that goes with them.
 *
 * @module
 */

import { assertEquals, assertFalse } from "@std/assert";
import { exists } from "@std/fs/exists";
import { newScratchDir, removeScratchDir } from "../../scripts/scratch_dir.ts";
import { spawnTied } from "../../scripts/tied_process.ts";
import { AgentProcess } from "./agent_process.ts";
import { waitFor } from "./wait.ts";

/** What can be chosen for an agent under test. */
export interface AgentHomeOptions {
  /** The database to pull from; its collection is `documents`. Without it nothing about MongoDB is set. */
  db?: { uri: string; name: string };
  /** The source of a processor module. It finds `mark(text)` defined, see {@linkcode AgentHome.marks}. */
  module?: string;
  /** Settings besides; `undefined` takes one away. */
  env?: Record<string, string | undefined>;
}

/** How a command of the binary ended. */
export interface CommandResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** How to start a program otherwise than plainly. */
export interface StartOptions {
  args?: string[];
  /** A program and arguments that start the binary, such as `setpriv --reuid 65532`. */
  wrapper?: string[];
  /** Another executable than the one under test. */
  binary?: string;
  env?: Record<string, string | undefined>;
}

/** Settings under which tests need not wait: everything that takes seconds in production takes a fraction here. */
const QUICK = {
  POLL_INTERVAL: "200ms",
  LEASE_DURATION: "2",
  // It costs only drains that hang; shorter than tests wait for the end.
  SHUTDOWN_TIMEOUT: "90",
  HEARTBEAT_INTERVAL: "200ms",
  RETRY_BACKOFF: "10ms",
  RETRY_BACKOFF_MAX: "50ms",
};

/** Settings for a test that waits for a minute: with those for quick ones, its agent would compute for a tenth of it. */
export const CALM = { POLL_INTERVAL: "1s", HEARTBEAT_INTERVAL: "2s", LEASE_DURATION: "20" };

/** Defines `mark(text)` in front of a module: appends a line, in one write, with the process that ran it. */
const MARK = `const mark = (text) =>
  Deno.writeTextFileSync(Deno.env.get("MARKS"), Deno.pid + " " + text + "\\n", { append: true });
`;

/** Makes the home of an agent; `await using` ends everything that was started in it and removes it. */
export async function agentHome(options: AgentHomeOptions = {}): Promise<AgentHome> {
  const home = new AgentHome(await newScratchDir("agent"), options);
  await Deno.mkdir(`${home.dir}/control`);
  await Deno.writeTextFile(home.marksFile, "");
  if (options.module !== undefined) await home.write("processor.js", MARK + options.module);
  return home;
}

/** Use {@linkcode agentHome}. */
export class AgentHome implements AsyncDisposable {
  readonly dir: string;
  readonly healthDir: string;
  readonly controlFile: string;
  readonly marksFile: string;
  readonly #env: Record<string, string | undefined>;
  readonly #started: AgentProcess[] = [];

  constructor(dir: string, { db, module, env }: AgentHomeOptions) {
    this.dir = dir;
    this.healthDir = `${dir}/health`;
    this.controlFile = `${dir}/control/state`;
    this.marksFile = `${dir}/marks`;
    this.#env = {
      // Nothing else is taken from the environment of the tests; what wraps the binary is found by it.
      PATH: Deno.env.get("PATH"),
      NO_COLOR: "1",
      ...QUICK,
      ...(db && { MONGODB_URI: db.uri, MONGODB_DATABASE: db.name, MONGODB_COLLECTION: "documents" }),
      ...(module !== undefined && { PROCESSOR: `module:${dir}/processor.js` }),
      HEALTH_DIR: this.healthDir,
      CONTROL_FILE: this.controlFile,
      MARKS: this.marksFile,
      ...env,
    };
  }

  /** Starts the agent; {@linkcode AgentProcess.log} says how far it has come. */
  async start(options: StartOptions = {}): Promise<AgentProcess> {
    const agent = new AgentProcess(await this.#spawn(options), options.env?.HEALTH_DIR ?? this.healthDir);
    this.#started.push(agent);
    return agent;
  }

  /** Starts the agent and waits until its probe calls it ready. */
  async startReady(options: StartOptions = {}): Promise<AgentProcess> {
    const agent = await this.start(options);
    await agent.untilReady();
    return agent;
  }

  /** Runs a command of the binary to its end. */
  async run(...args: string[]): Promise<CommandResult> {
    return await this.runWith({ args });
  }

  /** The same in another way. */
  async runWith(options: StartOptions): Promise<CommandResult> {
    const child = await this.#spawn(options);
    const { code, stdout, stderr } = await child.output();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  }

  /** Whether a probe passes. */
  async probe(name: "liveness" | "readiness" | "startup"): Promise<boolean> {
    return (await this.run("health", name)).code === 0;
  }

  /** The liveness probe has to pass; if it does not, the failure holds what it says. */
  async assertAlive(): Promise<void> {
    const { code, stderr, stdout } = await this.run("health", "liveness");
    assertEquals(code, 0, `It does not count as alive any more: ${stdout}${stderr}`);
  }

  /** Resolves once the readiness file is gone; the probe has to fail then. */
  async untilNotReady(): Promise<void> {
    await waitFor("the readiness file to go", async () => !await exists(`${this.healthDir}/readiness`));
    assertFalse(await this.probe("readiness"), "readiness passes without its file");
  }

  /** Resolves once the agent has written another heartbeat than the last one. */
  async untilHeartbeat(): Promise<void> {
    const read = () => Deno.readTextFile(`${this.healthDir}/liveness`);
    const last = await read();
    await waitFor("another heartbeat", async () => await read() !== last);
  }

  /** Writes a file of the home's; returns its path. */
  async write(name: string, content: string): Promise<string> {
    await Deno.writeTextFile(`${this.dir}/${name}`, content);
    return `${this.dir}/${name}`;
  }

  /** What the processor marked, in the order in which it did. */
  async marks(): Promise<Mark[]> {
    const lines = (await Deno.readTextFile(this.marksFile)).trimEnd().split("\n").filter((line) =>
      line !== ""
    );
    return lines.map((line) => {
      const space = line.indexOf(" ");
      return { pid: Number(line.slice(0, space)), text: line.slice(space + 1) };
    });
  }

  /** Resolves once the processor has marked `text`, or as many times as `count` says. */
  async untilMarked(text: string, count = 1): Promise<Mark[]> {
    return await waitFor(`${count} marks ${JSON.stringify(text)}`, async () => {
      const found = (await this.marks()).filter((mark) => mark.text === text);
      return found.length >= count ? found : undefined;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const agent of this.#started) await agent[Symbol.asyncDispose]();
    await removeScratchDir(this.dir);
  }

  #spawn(
    { args = [], wrapper = [], binary = agentBinary(), env = {} }: StartOptions,
  ): Promise<Deno.ChildProcess> {
    const entries = Object.entries({ ...this.#env, ...env }).filter(([, value]) => value !== undefined);
    const environment = Object.fromEntries(entries) as Record<string, string>;
    const [program, ...rest] = [...wrapper, binary, ...args] as [string, ...string[]];
    return spawnTied(program, rest, {
      env: environment,
      withoutEnv: Object.keys(Deno.env.toObject()).filter((name) => !(name in environment)),
      stdout: "piped",
      stderr: "piped",
    });
  }
}

/** A line that a processor under test left behind. */
export interface Mark {
  /** The process that ran it. */
  pid: number;
  text: string;
}

/**
 * The path of the compiled binary.
 *
 * @throws {Error} when the tests run without it
 */
export function agentBinary(): string {
  const path = Deno.env.get("TEST_AGENT_BINARY");
  if (path !== undefined) return path;
  throw new Error(
    "This test needs the compiled binary and TEST_AGENT_BINARY is not set: run it with 'deno task test', " +
      "which builds one (a single file: 'deno task test PATH')",
  );
}
