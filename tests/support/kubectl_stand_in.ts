/**
 * A cluster without a cluster: agents that run on this machine as its pods, and a kubectl that knows them.
 *
 * @module
 */

import { agentBinary, type AgentHome, agentHome, type CommandResult } from "./agent_home.ts";
import type { AgentProcess } from "./agent_process.ts";
import { TempDir } from "./temp_dir.ts";

const KUBECTL = new URL("kubectl_stand_in.sh", import.meta.url).pathname;
const ROOT = new URL("../..", import.meta.url).pathname;

/** A pod of the stand-in. */
export interface Pod {
  name: string;
  home: AgentHome;
  agent: AgentProcess;
}

/** What kubectl_stand_in.sh knows; `await using` ends the pods. */
export class StandIn implements AsyncDisposable {
  readonly #dir: TempDir;
  readonly #homes: AgentHome[] = [];

  private constructor(dir: TempDir) {
    this.#dir = dir;
  }

  static async make(): Promise<StandIn> {
    const standIn = new StandIn(await TempDir.make());
    await Deno.mkdir(`${standIn.#dir.path}/pods`);
    await Deno.mkdir(`${standIn.#dir.path}/spare`);
    await Deno.mkdir(`${standIn.#dir.path}/tmp`);
    return standIn;
  }

  /** Starts a pod; with `place: "spare"` one that comes when the pod of this name is deleted. */
  async pod(
    name: string,
    place: "pods" | "spare" = "pods",
    // No MongoDB: whether an agent claims is its own decision, whether it could is not.
    db = { uri: "mongodb://127.0.0.1:1/", name: "nowhere" },
  ): Promise<Pod> {
    const settings = { MONGODB_URI: db.uri, MONGODB_DATABASE: db.name, MONGODB_COLLECTION: "documents" };
    const home = await agentHome({
      env: {
        ...settings,
        AGENT_NAME: name,
        SHUTDOWN_TIMEOUT: "1",
      },
    });
    this.#homes.push(home);
    const agent = await home.start();
    await agent.untilStatus("its loop to run", ({ state }) => state === "running");
    await Deno.mkdir(`${this.#dir.path}/${place}/${name}`);
    await this.write(`${place}/${name}/health`, home.healthDir);
    await this.write(`${place}/${name}/control`, home.controlFile);
    const lines = Object.entries(settings).map(([variable, value]) => `${variable}=${value}\n`);
    await this.write(`${place}/${name}/env`, lines.join(""));
    return { name, home, agent };
  }

  /** Writes a file that kubectl_stand_in.sh looks at. */
  async write(name: string, content: string): Promise<void> {
    await this.#dir.write(name, content);
  }

  /** Removes such a file. */
  async remove(name: string): Promise<void> {
    await Deno.remove(`${this.#dir.path}/${name}`);
  }

  /** What such a file says. */
  async read(name: string): Promise<string> {
    return (await Deno.readTextFile(`${this.#dir.path}/${name}`)).trimEnd();
  }

  /** The commands that kubectl was given so far. */
  async calls(): Promise<string[]> {
    return (await this.read("calls")).split("\n");
  }

  /** Runs a program in the root of the project, with this kubectl. */
  async run(program: string, ...args: string[]): Promise<CommandResult> {
    const child = new Deno.Command(program, {
      args,
      cwd: ROOT,
      env: {
        PATH: Deno.env.get("PATH")!,
        STAND_IN: this.#dir.path,
        KUBECTL,
        TMPDIR: `${this.#dir.path}/tmp`,
        TEST_AGENT_BINARY: agentBinary(),
        NO_COLOR: "1",
      },
      clearEnv: true,
    });
    const { code, stdout, stderr } = await child.output();
    const decoder = new TextDecoder();
    return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
  }

  /** Runs scripts/control-agent.sh. */
  async control(...args: string[]): Promise<CommandResult> {
    return await this.run("sh", "scripts/control-agent.sh", ...args);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const home of this.#homes) await home[Symbol.asyncDispose]();
    await this.#dir[Symbol.asyncDispose]();
  }
}
