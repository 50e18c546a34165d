import { type AgentHome, agentHome } from "../../support/agent_home.ts";
import type { AgentProcess } from "../../support/agent_process.ts";
import { type TestDatabase, testDatabase } from "../../support/mongod.ts";
import type { Area, Trials, Verdict } from "../area.ts";
import { brokenInLog, brokenInText } from "../output.ts";
import { shorter } from "../shrink.ts";
import { randomSettingsEnvironment, type SettingsInput } from "../settings_input.ts";

/** Settings of any kind: the agent starts by them or says in sentences what is wrong, and `check` says the same. */
export class SettingsArea implements Area<SettingsInput> {
  readonly name = "settings";

  generate(random: () => number): SettingsInput {
    return randomSettingsEnvironment(random);
  }

  size({ variables }: SettingsInput): number {
    return variables.length;
  }

  *smaller(input: SettingsInput): Iterable<SettingsInput> {
    for (const variables of shorter(input.variables)) yield { ...input, variables };
    for (const [at, [name, value]] of input.variables.entries()) {
      if (value.length < 2) continue;
      const half = value.slice(0, value.length >> 1);
      yield { ...input, variables: input.variables.with(at, [name, half]) };
    }
  }

  show({ variables, secrets }: SettingsInput): string {
    const lines = variables.map(([name, value]) => `${name}=${JSON.stringify(value.slice(0, 300))}`);
    return [...lines, `secrets: ${JSON.stringify(secrets)}`].join("\n");
  }

  async open(): Promise<SettingsTrials> {
    await using stack = new AsyncDisposableStack();
    const database = stack.use(await testDatabase("fuzz settings"));
    const home = stack.use(await agentHome({ db: database }));
    for (const [name, source] of Object.entries(MODULES)) await home.write(name, source);
    return new SettingsTrials(home, database, stack.move());
  }
}

/** Files that settings may name, by what is in them. */
const MODULES: Record<string, string> = {
  "good.js": "export default () => {};",
  "batch.mjs": "export const processBatch = (documents) => documents.map(() => {});",
  "both.js": "export default () => {}; export const processBatch = () => [];",
  "none.js": "export const process = 1;",
  "throws.js": "throw new Error('no BILLING_URL set');",
  "odd.js": "throw { toString() { throw 1; } };",
  "syntax.js": "export default (",
  "import.js": "import x from 'npm:left-pad'; export default x;",
  "uri": "mongodb://127.0.0.1:1/",
  "empty": "\n",
  "binary": "\u0000\u0001\uffff",
};

/** A process that has not started or ended by then hangs, in milliseconds. */
const START_LIMIT_MS = 60_000;

class SettingsTrials implements Trials<SettingsInput> {
  readonly #home: AgentHome;
  readonly #database: TestDatabase;
  readonly #stack: AsyncDisposableStack;

  constructor(home: AgentHome, database: TestDatabase, stack: AsyncDisposableStack) {
    this.#home = home;
    this.#database = database;
    this.#stack = stack;
  }

  async attempt({ variables, secrets }: SettingsInput): Promise<Verdict> {
    const place = (text: string) =>
      text.replaceAll("{home}", this.#home.dir).replaceAll("{host}", new URL(this.#database.uri).host);
    const env = Object.fromEntries(variables.map(([name, value]) => [name, place(value)]));
    const [check, run] = await Promise.all([this.#check(env), this.#run(env)]);
    const broken = [...brokenInText(check.text, secrets), ...brokenInText(run.text, secrets)];
    for (const { code, command, stderr } of [check, run]) {
      if (code === undefined) broken.push(`${command} neither starts nor ends`);
      else if (![0, 1, 2].includes(code)) broken.push(`${command} ends with ${code}`);
      if (code === 2) broken.push(...brokenSentences(command, stderr));
      else if (code === 1 && stderr.trim() === "" && command === "check") {
        broken.push(`${command} fails without a word`);
      }
    }
    if (check.code !== undefined && run.code !== undefined && (check.code === 2) !== (run.code === 2)) {
      broken.push(`check and run do not agree: check ends with ${check.code}, run with ${run.code}`);
    }
    return {
      broken,
      evidence: `check: ${check.code}\n${check.text}\nrun: ${run.code}\n${run.text}`.slice(0, 6000),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  async #check(env: Record<string, string>): Promise<Ended> {
    const agent = await this.#home.start({ args: ["check"], env });
    return await ended("check", agent);
  }

  /** Starts the agent and ends it as soon as it has started. */
  async #run(env: Record<string, string>): Promise<Ended> {
    const agent = await this.#home.start({ args: ["run"], env: { LOG_FORMAT: "json", ...env } });
    // A text log has no JSON in it; both say that it starts.
    agent.log(({ message }) => message.includes("Starting pulling-agent")).then(
      () => agent.signal("SIGTERM"),
      () => {},
    );
    const run = await ended("run", agent);
    const isJson = (env.LOG_FORMAT ?? "json").trim().toLowerCase() === "json" && run.code !== 2;
    return { ...run, text: run.text + (isJson ? brokenInLog(agent.entries).join("\n") : "") };
  }
}

interface Ended {
  command: string;
  /** Undefined if it had to be killed. */
  code: number | undefined;
  stderr: string;
  /** All it has written. */
  text: string;
}

async function ended(command: string, agent: AgentProcess): Promise<Ended> {
  const status = await agent.exit({ timeoutMs: START_LIMIT_MS }).catch(() => undefined);
  await agent[Symbol.asyncDispose]();
  const out = agent.entries.map(({ index: _, ...entry }) =>
    entry.level ? JSON.stringify(entry) : entry.message
  );
  return { command, code: status?.code, stderr: agent.stderr, text: [...out, agent.stderr].join("\n") };
}

/** Problems are sentences, one a line, each with the name of the program before it. */
function brokenSentences(command: string, stderr: string): string[] {
  const lines = stderr.split("\n").filter((line) => line !== "");
  if (lines.length === 0) return [`${command} refuses the settings without a word`];
  const odd = lines.find((line) => !/^pulling-agent: .{10,}/.test(line));
  return odd === undefined ? [] : [`${command} says something that is no sentence: ${JSON.stringify(odd)}`];
}
