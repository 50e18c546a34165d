import { systemClock } from "../../agent/lib/clock.ts";
import { CommandError } from "../../agent/errors.ts";
import type { Environment } from "../../agent/settings/environment.ts";
import { readSetting } from "../../agent/settings/load_settings.ts";
import { confirmations, remarks } from "../../agent/telemetry/remarks.ts";
import { ask, type Silence } from "../../health/ask.ts";
import { awaitStatus, requireStatus, type Status } from "../../health/status.ts";
import { controlFacts } from "../doctor/here.ts";

/** An agent has this long to show that it received a signal, in milliseconds. */
const CONFIRM_TIMEOUT_MS = 5000;

/** The state that the agent is to have from now on. */
type Wanted = Status["control"]["state"];

/** What to do if an agent does not answer from its process. */
const MENDS: Record<Silence, string> = {
  "no such process":
    "there is no such process here: it runs in another container, so run this command in that one",
  "not permitted": "this user may not signal it: run this command as the user that the agent runs as",
  "no answer":
    "it is frozen, a handler blocks it, or it runs in another container (run this command there); see `pulling-agent status` and its log",
};

/**
 * Makes the agent of this health directory pause or resume, by signal, and prints what it has confirmed; returns the
 * exit status.
 *
 * The agent is asked before its status is believed and before anything is sent, even if its status is already the
 * wanted one: the status of a frozen agent never changes.
 *
 * @throws {CommandError} If the agent does not confirm.
 */
export async function askFor(wanted: Wanted, env: Environment): Promise<number> {
  const directory = readSetting("healthDir", env);
  const file = readSetting("controlFile", env);
  const { control, held } = await tell(directory, await asked(directory), wanted);
  confirmations.say(
    `${wanted}, by ${control.source}, since ${control.since}; ${held.documents} documents held`,
  );
  if (wanted === "running") await warnOfFile(file);
  return 0;
}

/** An operator who resumes one agent may not know that a file pauses it again. */
async function warnOfFile(file: string): Promise<void> {
  const { content } = await controlFacts(file, systemClock);
  if (content?.toLowerCase() !== "pause") return;
  remarks.say(
    `pulling-agent: The control file ${file} still says pause: the agent is paused again when it starts anew, and ` +
      "other agents that have the file stay paused. Write resume into it; in Kubernetes: make k8s-resume",
  );
}

/** The status of an agent that has just shown that it answers, and that still claims. */
async function asked(directory: string): Promise<Status> {
  const status = await requireStatus(directory);
  const answer = await ask(directory, status);
  if (typeof answer === "string") {
    throw new CommandError(
      `The agent of ${directory} does not answer as process ${status.pid}: ${MENDS[answer]}`,
    );
  }
  if (answer.state === "draining" || answer.state === "stopped") {
    throw new CommandError(`The agent is ${answer.state}: it claims nothing any more`);
  }
  return answer;
}

async function tell(directory: string, status: Status, wanted: Wanted): Promise<Status> {
  if (status.control.state === wanted) return status;
  Deno.kill(status.pid, wanted === "paused" ? "SIGUSR1" : "SIGUSR2");
  const confirmed = await awaitStatus(
    directory,
    CONFIRM_TIMEOUT_MS,
    ({ control }) => control.state === wanted,
  );
  if (confirmed) return confirmed;
  throw new CommandError(
    `The agent (process ${status.pid}) did not confirm within ${CONFIRM_TIMEOUT_MS / 1000} s: ` +
      "see its log and `pulling-agent status`",
  );
}
