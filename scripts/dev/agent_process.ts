/**
 * The agent, run from source with the permissions it has in production.
 *
 * @module
 */

import { signalGroup, spawnTied } from "../tied_process.ts";
import { type Plan, ROOT } from "./plan.ts";
import { UserError } from "./user_error.ts";

/** Longest drain (SHUTDOWN_TIMEOUT and 5 s) that is waited for before the agent is killed, in milliseconds. */
const STOP_LIMIT_MS = 45_000;

/**
 * Checks the settings, without a database and before anything is written anywhere.
 *
 * @throws {UserError} with everything the agent finds wrong with them
 */
export async function checkSettings(plan: Plan): Promise<void> {
  const uri = plan.uri ?? "mongodb://127.0.0.1";
  const child = await spawnAgent(plan, uri, ["check"], "piped");
  const { success, stderr } = await child.output();
  const problems = new TextDecoder().decode(stderr).trim().replaceAll(/^pulling-agent: /gm, "");
  if (!success) throw new UserError(problems || "The agent does not accept its settings");
}

/** A running agent. What it logs goes to the terminal. */
export class AgentProcess {
  readonly #child: Deno.ChildProcess;
  #isAsked = false;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
  }

  /** Starts the agent on the database at `uri`. */
  static async start(plan: Plan, uri: string): Promise<AgentProcess> {
    return new AgentProcess(await spawnAgent(plan, uri, ["run"], "inherit"));
  }

  /** Resolves when the agent has ended, for whatever reason. */
  get ended(): Promise<Deno.CommandStatus> {
    return this.#child.status;
  }

  /** Asks the agent to drain; asked again, it aborts what is in flight. */
  askToStop(): void {
    this.#isAsked = true;
    signalGroup(this.#child, "SIGTERM");
  }

  /** Drains the agent unless it has ended, and waits for its end. */
  async stop(): Promise<Deno.CommandStatus> {
    if (!this.#isAsked) this.askToStop();
    const insist = setTimeout(() => signalGroup(this.#child, "SIGKILL"), STOP_LIMIT_MS);
    const status = await this.#child.status;
    clearTimeout(insist);
    // What a processor has started, if it survived its agent.
    signalGroup(this.#child, "SIGKILL");
    return status;
  }
}

async function spawnAgent(
  plan: Plan,
  uri: string,
  command: string[],
  output: "inherit" | "piped",
): Promise<Deno.ChildProcess> {
  const args = [
    "run",
    "--config",
    `${ROOT}/deno.json`,
    ...await agentPermissions(),
    `${ROOT}/main.ts`,
    ...command,
  ];
  return await spawnTied(Deno.execPath(), args, {
    cwd: plan.base,
    env: { ...plan.settings, MONGODB_URI: uri },
    // Ours to read, and no settings of the agent's.
    withoutEnv: ["MONGODB_URI_FILE", "FILE", "RUST_BACKTRACE"],
    stdout: output,
    stderr: output,
  });
}

/** The options that the `agent` task of deno.json gives to `deno run`. */
async function agentPermissions(): Promise<string[]> {
  const { tasks } = JSON.parse(await Deno.readTextFile(`${ROOT}/deno.json`));
  const options = /deno run (.*) main\.ts/.exec(tasks.agent.command)?.[1];
  if (options === undefined) {
    throw new Error("The task 'agent' of deno.json does not read 'deno run ... main.ts'");
  }
  return options.split(" ");
}
