/**
 * The agent, run from source with the permissions it has in production.
 *
 * @module
 */

import { isInUse } from "../../health/health_dir.ts";
import { signalGroup, spawnTied, type TiedOptions } from "../tied_process.ts";
import { type Plan, ROOT } from "./plan.ts";
import { UserError } from "./user_error.ts";

/** The script waits this long for a drain (SHUTDOWN_TIMEOUT and 5 s) before it kills the agent, in milliseconds. */
const STOP_LIMIT_MS = 45_000;

/**
 * Checks the settings, without a database and before anything is written.
 *
 * @throws {UserError} with everything the agent finds wrong with them
 */
export async function checkSettings(plan: Plan): Promise<void> {
  if (await isInUse(plan.settings.HEALTH_DIR)) {
    throw new UserError(
      `An agent is running with the health directory ${plan.settings.HEALTH_DIR}: is this 'make dev' the second one? ` +
        "Stop the other, or set HEALTH_DIR and CONTROL_FILE for this one",
    );
  }
  const uri = plan.uri ?? "mongodb://127.0.0.1";
  const child = await spawnAgent(plan, uri, ["check"], { stdout: "piped", stderr: "piped" });
  const { success, stderr } = await child.output();
  const problems = new TextDecoder().decode(stderr).trim().replaceAll(/^pulling-agent: /gm, "");
  if (!success) throw new UserError(problems || "The agent does not accept its settings");
}

/** A running agent. Its log goes to the terminal. */
export class AgentProcess {
  /** Resolves when the agent has ended, for any reason, and all of its output has been printed. */
  readonly ended: Promise<Deno.CommandStatus>;
  readonly #child: Deno.ChildProcess;
  #isAsked = false;

  private constructor(child: Deno.ChildProcess) {
    this.#child = child;
    const printed = printErrors(child.stderr);
    this.ended = child.status.then(async (status) => {
      // Programs that a processor has started, if they survived the agent.
      signalGroup(child, "SIGKILL");
      await printed;
      return status;
    });
  }

  /** Starts the agent on the database at `uri`. */
  static async start(plan: Plan, uri: string): Promise<AgentProcess> {
    return new AgentProcess(await spawnAgent(plan, uri, ["run"], { stdout: "inherit", stderr: "piped" }));
  }

  /** Makes the agent drain; the second call aborts what is in flight. */
  askToStop(): void {
    this.#isAsked = true;
    signalGroup(this.#child, "SIGTERM");
  }

  /** Drains the agent unless it has ended, and waits for its end. */
  async stop(): Promise<Deno.CommandStatus> {
    if (!this.#isAsked) this.askToStop();
    const insist = setTimeout(() => signalGroup(this.#child, "SIGKILL"), STOP_LIMIT_MS);
    const status = await this.ended;
    clearTimeout(insist);
    return status;
  }
}

/** Prints the agent's standard error, without the lines that only come because it runs from source. */
async function printErrors(stderr: ReadableStream<Uint8Array>): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  const print = (lines: string[]) => {
    // SIGUSR1, which pauses the agent, also makes `deno run` offer itself to debuggers; the executable does not.
    for (const line of lines) if (!/^(Debugger listening on|Visit chrome:)/.test(line)) console.error(line);
  };
  for await (const chunk of stderr) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop()!;
    print(lines);
  }
  if (rest !== "") print([rest]);
}

async function spawnAgent(
  plan: Plan,
  uri: string,
  command: string[],
  output: Pick<TiedOptions, "stdout" | "stderr">,
): Promise<Deno.ChildProcess> {
  const { args, ...options } = await agentCommand(plan, uri, command);
  return await spawnTied(Deno.execPath(), args, { ...options, ...output });
}

/** How Deno runs a command of the agent from source, on the database at `uri`. */
export async function agentCommand(
  plan: Plan,
  uri: string,
  command: string[],
): Promise<{ args: string[] } & Pick<TiedOptions, "cwd" | "env" | "withoutEnv">> {
  return {
    args: [
      "run",
      "--config",
      `${ROOT}/deno.json`,
      // The executable fetches nothing, so this agent must not either.
      "--cached-only",
      ...await agentPermissions(),
      `${ROOT}/main.ts`,
      ...command,
    ],
    cwd: plan.base,
    env: { ...plan.settings, MONGODB_URI: uri },
    // Settings of this script, and not of the agent.
    withoutEnv: ["MONGODB_URI_FILE", "FILE", "RUST_BACKTRACE"],
  };
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
