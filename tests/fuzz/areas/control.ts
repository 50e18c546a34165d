import { type AgentHome, agentHome } from "../../support/agent_home.ts";
import type { AgentProcess } from "../../support/agent_process.ts";
import { testDatabase } from "../../support/mongod.ts";
import { integerFrom, pick } from "../../support/random.ts";
import { waitFor } from "../../support/wait.ts";
import type { Area, Trials, Verdict } from "../area.ts";
import { brokenInLog, brokenInText } from "../output.ts";
import { shorter } from "../shrink.ts";

/** Something done to the control file, or a signal. */
export type ControlStep =
  | { do: "write" | "replace"; content: string }
  | { do: "swap"; content: string }
  | { do: "remove" | "directory" | "pipe" | "dangling link" | "unreadable" | "remove directory" }
  | { do: "signal"; signal: "SIGUSR1" | "SIGUSR2" };

/** Steps with the pauses before them, in milliseconds, and how it ends: with a word in the file, or a signal. */
export interface Storm {
  steps: { afterMs: number; step: ControlStep }[];
  last: "pause" | "resume";
  by: "file" | "signal";
}

const WORDS = [
  "pause",
  "resume",
  "pause\n",
  " Resume\r\n",
  "PAUSE",
  "",
  "\n",
  "stop",
  "pause resume",
  "\0",
  "pausee",
];
/** At rest once the file has been read again, which is every second, with the watcher or without. */
const REST_MS = 30_000;
const READ_WITHIN_MS = 1500;

/** The control file in every shape, and storms of changes: at rest the agent is as the latest of them says. */
export class ControlArea implements Area<Storm> {
  readonly name = "control";

  generate(random: () => number): Storm {
    const steps = Array.from({ length: integerFrom(random, 0, 12) }, () => ({
      afterMs: pick(random, [0, 0, 1, 3, 20]),
      step: randomStep(random),
    }));
    return { steps, last: pick(random, ["pause", "resume"]), by: pick(random, ["file", "signal"]) };
  }

  size({ steps }: Storm): number {
    return steps.length + 1;
  }

  *smaller(storm: Storm): Iterable<Storm> {
    for (const steps of shorter(storm.steps)) yield { ...storm, steps };
  }

  show(storm: Storm): string {
    return [...storm.steps.map((each) => JSON.stringify(each)), `last: ${storm.last} by ${storm.by}`].join(
      "\n",
    );
  }

  async open(): Promise<ControlTrials> {
    await using stack = new AsyncDisposableStack();
    const database = stack.use(await testDatabase("fuzz control"));
    const home = stack.use(await agentHome({ db: database, env: { LOG_LEVEL: "DEBUG" } }));
    return new ControlTrials(home, await home.startReady(), stack.move());
  }
}

function randomStep(random: () => number): ControlStep {
  const kind = random();
  if (kind < 0.25) return { do: "signal", signal: pick(random, ["SIGUSR1", "SIGUSR2"]) };
  if (kind < 0.75) {
    const content = random() < 0.8 ? pick(random, WORDS) : randomBytes(random);
    return { do: pick(random, ["write", "replace", "swap"]), content };
  }
  return {
    do: pick(random, ["remove", "directory", "pipe", "dangling link", "unreadable", "remove directory"]),
  };
}

/** Any characters, sometimes a lot of them. */
function randomBytes(random: () => number): string {
  const length = random() < 0.1 ? 300_000 : integerFrom(random, 1, 300);
  return Array.from({ length }, () => String.fromCharCode(integerFrom(random, 0, 0x2fff))).join("");
}

/** One agent that goes through all of it. */
class ControlTrials implements Trials<Storm> {
  readonly #stack: AsyncDisposableStack;
  readonly #home: AgentHome;
  #agent: AgentProcess;
  #links = 0;
  #readUpTo = 0;

  constructor(home: AgentHome, agent: AgentProcess, stack: AsyncDisposableStack) {
    this.#stack = stack;
    this.#home = home;
    this.#agent = agent;
  }

  async attempt({ steps, last, by }: Storm): Promise<Verdict> {
    const from = this.#agent.entries.length;
    for (const { afterMs, step } of steps) {
      if (afterMs > 0) await new Promise((resolve) => setTimeout(resolve, afterMs));
      await this.#do(step);
    }
    const broken: string[] = [];
    try {
      // What the agent has read by now is its own business; it hears the last word all the same.
      await this.#settle(last === "pause" ? "resume" : "pause");
      if (by === "file") await this.#do({ do: "swap", content: last });
      else this.#agent.signal(last === "pause" ? "SIGUSR1" : "SIGUSR2");
      broken.push(...await this.#rest(last === "pause" ? "paused" : "running", by));
    } catch (error) {
      broken.push(`The agent does not follow: ${(error as Error).message}`);
    }
    const status = `\n${JSON.stringify(await this.#agent.status().catch(String))}`;
    const news = this.#agent.entries.slice(from);
    broken.push(...brokenInLog(news), ...brokenInText(this.#agent.stderr.slice(this.#readUpTo)));
    this.#readUpTo = this.#agent.stderr.length;
    if (this.#agent.ended) broken.push("The agent has ended");
    // One that is wrong stays wrong until the next change: the next trial begins with another agent.
    if (broken.length > 0) await this.#startAnew();
    return { broken, evidence: news.slice(-30).map((entry) => JSON.stringify(entry)).join("\n") + status };
  }

  async #startAnew(): Promise<void> {
    await this.#agent.kill9();
    await this.#do({ do: "swap", content: "resume" });
    this.#agent = await this.#home.start();
    // The readiness file may still be that of the one before.
    await this.#agent.log("Agent is running");
    await this.#agent.untilStatus("it to be ready", ({ ready }) => ready);
    this.#readUpTo = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  /** Has the agent read a word in the file, so that the next one is a change after any earlier word. */
  async #settle(word: "pause" | "resume"): Promise<void> {
    const isThere = async () =>
      (await this.#agent.status()).state === (word === "pause" ? "paused" : "running");
    // Signals have no order: one that was sent just before may be heard after this one.
    await waitFor("the signal to be heard", async () => {
      this.#agent.signal(word === "pause" ? "SIGUSR2" : "SIGUSR1");
      await new Promise((resolve) => setTimeout(resolve, 30));
      return !(await isThere());
    });
    await this.#do({ do: "swap", content: word });
    // It is no change, and so nothing shows, if it was the last word in the file already. A signal of before that is
    // heard only now does not show that the file was read.
    const isRead = async () => await isThere() && (await this.#agent.status()).control.source === "file";
    await waitFor("the word to be read", isRead, { timeoutMs: READ_WITHIN_MS }).catch(() => {});
  }

  /** Whether status and readiness agree with what was asked for last. */
  async #rest(wanted: string, by: string): Promise<string[]> {
    let seen = "";
    const endMs = performance.now() + REST_MS;
    for (;;) {
      const { state, ready, control } = await this.#agent.status();
      const isReadyFile = await exists(`${this.#home.healthDir}/readiness`);
      seen = JSON.stringify({ state, ready, control, isReadyFile });
      const agrees = state === wanted && ready === (wanted === "running") && isReadyFile === ready &&
        control.state === wanted;
      if (agrees) return [];
      if (performance.now() >= endMs) {
        return [`At rest the agent is not ${wanted}, as the last ${by} says: ${seen}`];
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async #do(step: ControlStep): Promise<void> {
    const { controlFile, dir } = this.#home;
    const directory = `${dir}/control`;
    if (step.do === "signal") return this.#agent.signal(step.signal);
    if (step.do === "remove directory") return await remove(directory);
    await Deno.mkdir(directory, { recursive: true });
    switch (step.do) {
      case "write":
        await removeUnlessFile(controlFile);
        return await Deno.writeTextFile(controlFile, step.content);
      case "replace":
        await removeUnlessFile(controlFile);
        await Deno.writeTextFile(`${controlFile}.new`, step.content);
        return await Deno.rename(`${controlFile}.new`, controlFile);
      case "swap":
        return await this.#swap(directory, step.content);
      case "unreadable":
        await removeUnlessFile(controlFile);
        await Deno.writeTextFile(controlFile, "resume");
        return await Deno.chmod(controlFile, 0o000);
    }
    await remove(controlFile);
    if (step.do === "directory") await Deno.mkdir(controlFile);
    if (step.do === "pipe") await new Deno.Command("mkfifo", { args: [controlFile] }).output();
    if (step.do === "dangling link") await Deno.symlink("nothing", controlFile);
  }

  /** As kubelet does it: a directory beside it, and links that are changed in one step. */
  async #swap(directory: string, content: string): Promise<void> {
    const name = `..${++this.#links}`;
    await Deno.mkdir(`${directory}/${name}`);
    await Deno.writeTextFile(`${directory}/${name}/state`, content);
    await Deno.symlink(name, `${directory}/..data_tmp`);
    await Deno.rename(`${directory}/..data_tmp`, `${directory}/..data`);
    await remove(`${directory}/state.new`);
    await Deno.symlink("..data/state", `${directory}/state.new`);
    if (await isDirectory(`${directory}/state`)) await remove(`${directory}/state`);
    await Deno.rename(`${directory}/state.new`, `${directory}/state`);
    await remove(`${directory}/..${this.#links - 1}`);
  }
}

/** Opening a pipe to write would wait for a reader, and a link would be followed. */
async function removeUnlessFile(path: string): Promise<void> {
  const info = await Deno.lstat(path).catch(() => undefined);
  if (info && (!info.isFile || info.mode === null || (info.mode & 0o200) === 0)) await remove(path);
}

async function isDirectory(path: string): Promise<boolean> {
  return (await Deno.lstat(path).catch(() => undefined))?.isDirectory ?? false;
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

async function remove(path: string): Promise<void> {
  await Deno.remove(path, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}
