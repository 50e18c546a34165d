import { CommandError, UsageError } from "../../agent/errors.ts";
import { systemClock } from "../../agent/lib/clock.ts";
import type { Environment } from "../../agent/settings/environment.ts";
import { textOf } from "../../agent/settings/environment.ts";
import { isMongoError } from "../../agent/store/mongo_errors.ts";
import type { FleetForCommands } from "../../agent/store/fleet/fleet_for_commands.ts";
import { confirmations, remarks } from "../../agent/telemetry/remarks.ts";
import { inOneLine } from "../../agent/text/terminal_text.ts";
import { type Confirmation, confirmation } from "../fleet/confirmation.ts";
import { agentsText, controlText } from "../fleet/fleet_text.ts";
import { problemsOf } from "../fleet/unconfirmed.ts";
import { Interruption } from "../interruption.ts";
import { checkedSettings } from "./checked_settings.ts";
import { commandStore } from "./command_store.ts";
import { storeFailure } from "./store_failure.ts";

/** Agents without a change stream look at each beat, each ten seconds. They have this long to confirm, in milliseconds. */
const CONFIRM_MS = 20_000;
/** Names that a line lists, at most. */
const MAX_NAMES = 10;

/** What all agents are to do, from the command line. */
export interface FleetTask {
  readonly wanted: "running" | "paused";
  readonly reason: string | undefined;
  readonly by: string | undefined;
}

/**
 * Makes all agents of the collection pause or resume, and waits until those that are alive have confirmed; returns the exit
 * status: that of the signal if one ended the wait.
 *
 * @throws {UsageError} If the settings or the texts cannot be used.
 * @throws {CommandError} With each agent that did not confirm. If another operator has overruled it, if the database refuses
 * or is out of reach.
 */
export async function askFleet(task: FleetTask, env: Environment): Promise<number> {
  const command = task.wanted === "paused" ? "pause" : "resume";
  if (task.wanted === "paused" && task.reason === undefined) {
    throw new UsageError("pause --fleet needs a reason: give --reason TEXT, which each agent shows");
  }
  const { settings, filter } = checkedSettings(env);
  const store = commandStore(settings, filter);
  try {
    await store.source.look();
    const fleet = await store.forCommands.fleet();
    return await new FleetRequest(fleet, { ...task, by: task.by ?? asker(settings.agentName, env) }).make();
  } catch (error) {
    throw storeFailure(`${command} --fleet`, error);
  } finally {
    await store.close();
  }
}

/** Who runs the command, as far as it is known: in a pod it is that pod's name. */
function asker(host: string, env: Environment): string {
  const user = ["SUDO_USER", "USER", "LOGNAME"].map((name) => textOf(name, env)).find(Boolean);
  return inOneLine(user === undefined ? host : `${user}@${host}`).slice(0, 200);
}

/** One request to all agents. */
class FleetRequest {
  readonly #fleet: FleetForCommands;
  readonly #task: FleetTask & { readonly by: string };
  /** Agents that a control file had paused. */
  #byFile: readonly string[] = [];

  constructor(fleet: FleetForCommands, task: FleetTask & { readonly by: string }) {
    this.#fleet = fleet;
    this.#task = task;
  }

  async make(): Promise<number> {
    const { by, reason, wanted } = this.#task;
    const before = await this.#look();
    this.#byFile = before.agents.flatMap(({ control: { source, state }, name, presence }) =>
      state === "paused" && source === "file" && presence !== "dead" ? [name] : []
    );
    const interruption = new Interruption();
    const id = await this.#fleet.ask({ state: wanted, by, reason });
    const found = await this.#confirmed(id, interruption.aborted);
    if (found.overruledBy) {
      throw new CommandError(
        `Another operator has asked for something else meanwhile: the fleet is to be ${
          controlText(found.overruledBy, found.look.at)
        }`,
      );
    }
    if (interruption.status !== 0) return this.#interrupted(found, interruption.status);
    await this.#report(found);
    return 0;
  }

  #look() {
    return this.#fleet.allowed("read", () => this.#fleet.reader.look({ isBrief: true }));
  }

  async #confirmed(id: string, signal: AbortSignal): Promise<Confirmation> {
    try {
      return await confirmation(id, {
        clock: systemClock,
        limitMs: CONFIRM_MS,
        look: () => this.#look(),
        signal,
      });
    } catch (error) {
      if (isMongoError(error)) remarks.say(`It is written that the fleet is ${this.#stays}`);
      throw error;
    }
  }

  #interrupted({ missing }: Confirmation, status: number): number {
    remarks.say(
      `${agentsText(missing.length)} had not confirmed yet. It is written that the fleet is ${this.#stays}`,
    );
    return status;
  }

  get #stays(): string {
    return this.#task.wanted === "paused"
      ? "paused, and it stays so until pulling-agent resume --fleet"
      : "running, and it stays so until pulling-agent pause --fleet";
  }

  async #report(found: Confirmation): Promise<void> {
    const { wanted } = this.#task;
    const alive = found.look.agents.filter(({ presence }) => presence === "alive");
    const done = alive.filter((agent) => !found.missing.includes(agent));
    const held = done.reduce((sum, agent) => sum + agent.held, 0);
    const problems = problemsOf(found, { wanted, holders: await this.#holders() });
    if (alive.length > 0) {
      const took = `after ${(found.tookMs / 1000).toFixed(1)} s`;
      const holding = wanted === "paused"
        ? `; they hold ${held} ${held === 1 ? "document" : "documents"}, which they finish`
        : "";
      confirmations.say(
        `${done.length} of ${agentsText(alive.length)} confirmed to be ${wanted}, ${took}${holding}`,
      );
    } else {
      confirmations.say(`No agent is alive: those that start are ${wanted}`);
    }
    if (wanted === "running") this.#warnOfFiles();
    if (problems.length > 0) throw new CommandError(problems);
  }

  #warnOfFiles(): void {
    if (this.#byFile.length === 0) return;
    const shown = this.#byFile.slice(0, MAX_NAMES).map(inOneLine).join(", ");
    const more = this.#byFile.length > MAX_NAMES ? " and more" : "";
    remarks.say(
      `pulling-agent: A control file had paused ${shown}${more}: it pauses them again when they start anew. Write resume ` +
        "into it; in Kubernetes: make k8s-resume",
    );
  }

  /** What is not known is left out: the agents have answered, and this only tells of more. */
  async #holders(): Promise<readonly string[]> {
    try {
      return await this.#fleet.holders();
    } catch (error) {
      if (isMongoError(error)) return [];
      throw error;
    }
  }
}
