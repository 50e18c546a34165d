/**
 * Agents in containers, run by podman as a cluster would run them.
 *
 * @module
 */

import { exists } from "@std/fs";
import { spawnTied } from "../../scripts/tied_process.ts";
import { AgentProcess } from "./agent_process.ts";
import type { CommandResult } from "./agent_home.ts";
import type { Requirement } from "./optional.ts";
import { readProc } from "./proc.ts";
import { waitFor } from "./wait.ts";

/** Building the images and running them. */
export const CONTAINERS: Requirement = {
  what: "tests of the image",
  why: "containers cannot be built and run here",
  install: "run them as root with podman, buildah and runc installed (apt-get install podman buildah runc)",
  probe: [
    "sh",
    "-c",
    "command -v podman && command -v buildah && command -v runc && unshare --mount --pid --fork true",
  ],
};

/** Nothing in a test takes as long; a container whose test was killed ends then. */
const LONGEST_S = 120;

/** What can be chosen for a container. */
export interface ContainerOptions {
  image: string;
  env?: Record<string, string>;
  /** More options of `podman run`. */
  options?: string[];
  args?: string[];
}

/** Runs podman to its end. */
async function podman(...args: string[]): Promise<CommandResult> {
  const command = new Deno.Command("podman", { args: ["--runtime", "runc", ...args] });
  const { code, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** The same if it must succeed; its standard output. */
export async function podmanOutput(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await podman(...args);
  if (code !== 0) throw new Error(`podman ${args.join(" ")} failed (${code}): ${stderr}`);
  return stdout.trim();
}

/** Starts a container and follows its log. `await using` removes it. */
export async function startContainer({ image, env = {}, options = [], args = [] }: ContainerOptions) {
  const name = `pulling-agent-test-${crypto.randomUUID().slice(0, 8)}`;
  const child = await spawnTied("podman", [
    "--runtime=runc",
    "run",
    `--name=${name}`,
    `--timeout=${LONGEST_S}`,
    "--pull=never",
    // The servers of the tests listen on the loopback interface of this machine.
    "--network=host",
    // Podman's own defaults are more than a machine may grant that runs in a container itself.
    "--ulimit=nofile=1024:1024",
    "--ulimit=nproc=1024:1024",
    ...Object.entries({ LOG_FORMAT: "json", ...env }).map(([key, value]) => `--env=${key}=${value}`),
    ...options,
    image,
    ...args,
  ], { stdout: "piped", stderr: "piped" });
  return new Container(name, new AgentProcess(child, "/nowhere"));
}

/** An agent in a container, see {@linkcode startContainer}. */
export class Container implements AsyncDisposable {
  readonly name: string;
  /** What it logs, and how it ends. Its files cannot be seen from here. */
  readonly agent: AgentProcess;

  constructor(name: string, agent: AgentProcess) {
    this.name = name;
    this.agent = agent;
  }

  /** Runs the agent's executable in the container, as a probe or an operator would. */
  async exec(...args: string[]): Promise<CommandResult> {
    return await podman("exec", this.name, "pulling-agent", ...args);
  }

  /** Sends a signal to the container's first process. */
  async kill(signal: Deno.Signal): Promise<void> {
    await podmanOutput("kill", `--signal=${signal}`, this.name);
  }

  /** What podman knows of it, by a template of `podman inspect`. */
  async inspect(format: string): Promise<string> {
    return await podmanOutput("inspect", `--format=${format}`, this.name);
  }

  /** The container's first process as this machine sees it: what `/proc/PID/status` says. */
  async processStatus(): Promise<Record<string, string>> {
    const text = await readProc(`/proc/${await this.inspect("{{.State.Pid}}")}/status`);
    return Object.fromEntries(
      text.trimEnd().split("\n").map((line) => line.split(":\t") as [string, string]),
    );
  }

  /** The limit of memory that the kernel enforces on its first process, in bytes. */
  async memoryLimit(): Promise<number> {
    const groups = await readProc(`/proc/${await this.inspect("{{.State.Pid}}")}/cgroup`);
    const first = /^\d+:memory:(.*)$/m.exec(groups)?.[1];
    const path = first === undefined
      ? `/sys/fs/cgroup${/^0::(.*)$/m.exec(groups)![1]}/memory.max`
      : `/sys/fs/cgroup/memory${first}/memory.limit_in_bytes`;
    return Number(await readProc(path));
  }

  /** Resolves once the probe passes. */
  async untilReady(): Promise<void> {
    await waitFor("the readiness probe", async () => {
      const { code, stdout, stderr } = await this.exec("health", "readiness");
      if (code !== 0) throw new Error(`${stdout}${stderr}${this.agent.output}`);
      return true;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await podman("rm", "--force", "--time=0", this.name);
    await this.agent[Symbol.asyncDispose]();
  }
}

/** Everything in an image: its path (folders end with `/`), mode as `ls` shows it, and owner as `UID/GID`. */
export async function filesOf(image: string): Promise<{ path: string; mode: string; owner: string }[]> {
  const container = await podmanOutput("create", "--pull=never", image);
  const archive = await Deno.makeTempFile();
  try {
    await podmanOutput("export", `--output=${archive}`, container);
    const command = new Deno.Command("tar", { args: ["--numeric-owner", "-tvf", archive] });
    const lines = new TextDecoder().decode((await command.output()).stdout).trimEnd().split("\n");
    return lines.map((line) => {
      const [mode, owner, _size, _day, _time, path] = line.split(/\s+/) as string[];
      return { mode: mode!, owner: owner!, path: path! };
    });
  } finally {
    await Deno.remove(archive);
    await podmanOutput("rm", container);
  }
}

let built: Promise<void> | undefined;

/** Builds the images `NAME:latest` and `NAME:latest-scratch` around the executable under test; once in a run. */
export async function buildImages(name: string): Promise<void> {
  built ??= build(name);
  await built;
}

async function build(name: string): Promise<void> {
  const root = new URL("../..", import.meta.url).pathname;
  if (!await exists(`${root}/dist/pulling-agent`)) throw new Error("run the tests with 'deno task test'");
  // Those of earlier runs, which would pile up nameless.
  await podman("rmi", "--force", `${name}:latest`, `${name}:latest-scratch`);
  const command = new Deno.Command("sh", { args: ["scripts/image.sh"], cwd: root, env: { IMAGE: name } });
  const { success, stdout, stderr } = await command.output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(decoder.decode(stdout) + decoder.decode(stderr));
}
