/**
 * The agents of a row. Each has a place; when one has ended, another follows there under a new name.
 *
 * @module
 */

import type { AgentHome } from "../support/agent_home.ts";
import type { AgentProcess } from "../support/agent_process.ts";
import { waitFor } from "../support/wait.ts";
import type { Witness } from "../witness/witness.ts";
import type { Meant } from "./member_link.ts";

/** How the agents of one place are started. */
export interface Place {
  /** Settings besides those of all agents. */
  readonly env?: Readonly<Record<string, string>>;
  /** A program and arguments that start the executable, with the health directory behind them. */
  readonly wrapper?: readonly string[];
  /** Another executable. */
  readonly binary?: string;
}

/** One process. */
export interface Replica {
  readonly place: number;
  /** Its `AGENT_NAME`, which no other process has. */
  readonly name: string;
  readonly pid: number;
  /** Where its health files are seen from outside. */
  readonly healthDir: string;
  readonly process: AgentProcess;
}

/** What {@linkcode Replicas} need. */
export interface ReplicasOptions {
  readonly home: AgentHome;
  readonly places: readonly Place[];
  /** Is told what is done to them. */
  readonly witness: Witness;
}

/** How much the agents have written, and what they needed. */
export interface Usage {
  lines: number;
  /** Lines of the levels WARNING and ERROR. */
  warnings: number;
  /** The most that was resident in any process, in MiB. */
  memoryMb: number;
}

/** How long the agents may take to start, on a machine that has much to do. */
const START_TIMEOUT_MS = 120_000;
/** How often the memory is looked at. */
const SAMPLE_MS = 1000;

/** Starts, ends and watches agents; `await using` stops watching. */
export class Replicas implements AsyncDisposable {
  /** When each of them was killed, by process id, in milliseconds since 1970. */
  readonly killed = new Map<number, number>();
  /** The name of each that was started, by its process id. */
  readonly names = new Map<number, string>();
  /** What went wrong with a process itself. */
  readonly problems: string[] = [];
  readonly #home: AgentHome;
  readonly #places: readonly Place[];
  readonly #witness: Witness;
  readonly #running: Replica[] = [];
  readonly #ended: AgentProcess[] = [];
  readonly #sampler = setInterval(() => this.#sample(), SAMPLE_MS);
  #started = 0;
  #memoryMb = 0;

  constructor({ home, places, witness }: ReplicasOptions) {
    this.#home = home;
    this.#places = places;
    this.#witness = witness;
  }

  get all(): readonly Replica[] {
    return this.#running;
  }

  async start(): Promise<void> {
    for (const place of this.#places.keys()) await this.#start(place);
    for (const { name, process } of this.#running) {
      const isReady = () => process.hasLogged("MongoDB is in reach");
      await waitFor(`the agent ${name} to reach MongoDB`, isReady, { timeoutMs: START_TIMEOUT_MS });
    }
  }

  /** Kills a process without notice, and starts another in its place. */
  async kill(replica: Replica): Promise<void> {
    await this.#sample();
    this.killed.set(replica.pid, Date.now());
    this.#witness.killed(replica.name);
    await replica.process.kill9();
    await this.#replace(replica);
  }

  /** Asks a process to end, which it must do in good order, and starts another in its place. */
  async drain(replica: Replica): Promise<void> {
    await this.#end(replica);
    await this.#replace(replica);
  }

  /** Asks all to end. */
  async drainAll(): Promise<void> {
    await this.#sample();
    await Promise.all(this.#running.map((replica) => this.#end(replica)));
    clearInterval(this.#sampler);
  }

  usage(): Usage {
    const usage: Usage = { lines: 0, warnings: 0, memoryMb: this.#memoryMb };
    for (const { entries } of new Set([...this.#ended, ...this.#running.map(({ process }) => process)])) {
      usage.lines += entries.length;
      usage.warnings += entries.filter(({ level }) => level === "WARNING" || level === "ERROR").length;
    }
    return usage;
  }

  /** The lines of the levels WARNING and ERROR, by how often each was written. */
  warnings(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { entries } of new Set([...this.#ended, ...this.#running.map(({ process }) => process)])) {
      for (const { level, message } of entries) {
        if (level === "WARNING" || level === "ERROR") counts.set(message, (counts.get(message) ?? 0) + 1);
      }
    }
    return counts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#sampler);
    await Promise.resolve();
  }

  async #end({ name, process }: Replica): Promise<void> {
    if (process.ended) this.problems.push(`the agent ${name} had ended before it was asked to`);
    this.#witness.stopped(name);
    process.signal("SIGTERM");
    const { code, signal } = await process.exit({ timeoutMs: 60_000 });
    if (code !== 0) this.problems.push(`the agent ${name} ended with ${signal ?? code}`);
    if (process.stderr !== "") {
      this.problems.push(`the agent ${name} wrote to standard error: ${process.stderr}`);
    }
  }

  async #replace({ place, process }: Replica): Promise<void> {
    this.#ended.push(process);
    await this.#start(place);
  }

  async #start(place: number): Promise<void> {
    const name = `replica-${place}-${++this.#started}`;
    const inside = `${this.#home.dir}/health-${place}`;
    const { binary, env, wrapper } = this.#places[place]!;
    const process = await this.#home.start({
      ...(binary !== undefined && { binary }),
      ...(wrapper && { wrapper: [...wrapper, inside] }),
      env: { HEALTH_DIR: inside, AGENT_NAME: name, ...env },
    });
    const { pid } = process;
    this.names.set(pid, name);
    // A mount of the process's own is seen there, too.
    this.#running[place] = { place, name, pid, healthDir: `/proc/${pid}/root${inside}`, process };
  }

  async #sample(): Promise<void> {
    const { stdout } = await new Deno.Command("cat", {
      args: this.#running.map(({ pid }) => `/proc/${pid}/status`),
      stderr: "null",
    }).output();
    for (const [, peakKb] of new TextDecoder().decode(stdout).matchAll(/^VmHWM:\s*(\d+) kB/gm)) {
      this.#memoryMb = Math.max(this.#memoryMb, Math.round(Number(peakKb) / 1024));
    }
  }
}

/** Whether a connection comes from this agent. */
export function isOf({ name }: Replica): Meant {
  return (peer) => "appName" in peer && peer.appName === `pulling-agent/${name}`;
}

/** Whether a connection comes from an agent. */
export const IS_AGENT: Meant = (peer) => "appName" in peer && peer.appName.startsWith("pulling-agent/");
