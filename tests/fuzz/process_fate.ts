import type { AgentHome } from "../support/agent_home.ts";
import type { AgentProcess } from "../support/agent_process.ts";
import { waitFor } from "../support/wait.ts";
import { brokenInLog, brokenInText } from "./output.ts";

/** The password in the connection string, which must turn up nowhere. */
export const PASSWORD = "fUzZ-s3cr3t+Pa55/word";

/** What is done to the process. */
export const BLOWS = [
  "SIGTERM",
  "SIGINT",
  "SIGHUP",
  "SIGKILL",
  "SIGUSR1",
  "SIGUSR2",
  "freeze",
  "two SIGTERM",
] as const;

/** One of them. */
export type Blow = typeof BLOWS[number];

/** What the agents are told, in milliseconds. */
export const SHUTDOWN_TIMEOUT_MS = 3000;
/** The five seconds beyond it that the README allows, and some for a busy machine, in milliseconds. */
const END_LIMIT_MS = SHUTDOWN_TIMEOUT_MS + 5000 + 30_000;

/** An agent, and the next one when it has ended. */
export class ProcessFate {
  readonly broken: string[] = [];
  killed = 0;
  readonly #home: AgentHome;
  readonly #agents: AgentProcess[] = [];

  constructor(home: AgentHome) {
    this.#home = home;
  }

  get #agent(): AgentProcess {
    return this.#agents.at(-1)!;
  }

  get hasEnded(): boolean {
    return this.#agent.ended;
  }

  get evidence(): string {
    const entries = this.#agents.flatMap((agent) => agent.entries).map((entry) => JSON.stringify(entry));
    return [...entries.slice(-40), ...this.#agents.map(({ stderr }) => stderr)].join("\n");
  }

  /** How many documents the agents have reported as those that the database does not let them claim or settle. */
  get toldOf(): number {
    const entries = this.#agents.flatMap((agent) => agent.entries);
    const refused = entries.filter(({ message }) =>
      /^MongoDB refuses|^A document cannot be claimed/.test(message)
    );
    const several = entries.filter(({ message }) => /^Documents wait that cannot/.test(message));
    const ids = new Set(refused.map(({ id }) => id));
    return ids.size + Math.max(0, ...several.map(({ documents }) => Number.parseInt(String(documents))));
  }

  async start(): Promise<void> {
    const agent = await this.#home.start();
    this.#agents.push(agent);
    await agent.untilListening();
  }

  async deal(blow: Blow): Promise<void> {
    switch (blow) {
      case "SIGUSR1":
      case "SIGUSR2":
        return this.#agent.signal(blow);
      case "SIGKILL":
        this.killed += 1;
        await this.#agent.kill9();
        break;
      case "freeze":
        this.#agent.signal("SIGSTOP");
        // Long enough for its leases to run out: the process may not have known, but this is all there is of it.
        await new Promise((resolve) => setTimeout(resolve, 1300));
        this.killed += 1;
        return this.#agent.signal("SIGCONT");
      case "two SIGTERM":
        this.#agent.signal("SIGTERM");
        await new Promise((resolve) => setTimeout(resolve, 400));
        await this.#stop("SIGTERM", [0, 1]);
        break;
      default:
        // It may not be able to tell a server that fails.
        await this.#stop(blow, [0, 1]);
    }
    await this.start();
  }

  /** Has it go on, after anything that was done to it. */
  async recover(): Promise<void> {
    if (this.#agent.ended) {
      const { code, signal } = await this.#agent.exit();
      this.broken.push(`The process ended unasked, with ${signal ?? code}`);
      await this.start();
    }
    // Signals have no order: one to pause that was sent just before may be heard after this one.
    await waitFor("the agent to go on", async () => {
      this.#agent.signal("SIGUSR2");
      await new Promise((resolve) => setTimeout(resolve, 50));
      return this.#agent.ended || (await this.#agent.status()).state === "running";
    }).catch((error) => this.broken.push(`The agent does not resume: ${error.message}`));
  }

  /** Ends it in good order, and looks at all that the processes have said. */
  async end(): Promise<void> {
    if (this.#agent.ended) this.broken.push("The process ended unasked");
    const told = await this.#home.run("status");
    const files = await Array.fromAsync(Deno.readDir(this.#home.healthDir));
    const texts = await Promise.all(
      files.map(({ name }) => Deno.readTextFile(`${this.#home.healthDir}/${name}`).catch(() => "")),
    );
    const shown = [told.stdout, told.stderr, ...texts].join("\n");
    this.broken.push(...brokenInText(shown, [PASSWORD, encodeURIComponent(PASSWORD)]));
    await this.#stop("SIGTERM", [0]);
    const left = (await Array.fromAsync(Deno.readDir(this.#home.healthDir))).map(({ name }) => name);
    if (left.includes("readiness")) this.broken.push("The readiness file outlives the process");
    for (const { entries, stderr } of this.#agents) {
      this.broken.push(...brokenInLog(entries, [PASSWORD, encodeURIComponent(PASSWORD)]));
      if (stderr.trim()) {
        this.broken.push(`The agent writes to standard error: ${JSON.stringify(stderr.slice(0, 300))}`);
      }
      this.broken.push(...brokenInText(stderr, [PASSWORD]));
    }
  }

  async #stop(signal: "SIGTERM" | "SIGINT" | "SIGHUP", codes: number[]): Promise<void> {
    this.#agent.signal(signal);
    const status = await this.#agent.exit({ timeoutMs: END_LIMIT_MS }).catch(() => undefined);
    if (status === undefined) {
      this.broken.push(`The process does not end within ${END_LIMIT_MS} ms of ${signal}`);
      return await this.#agent.kill9();
    }
    if (!codes.includes(status.code)) {
      this.broken.push(`The process ends with ${status.signal ?? status.code} after ${signal}`);
    }
  }
}
