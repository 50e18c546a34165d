import { readSetting } from "../agent/load_settings.ts";
import { takeTurn } from "../health/health_dir.ts";
import { readStatus, requireStatus, type Status } from "../health/status.ts";

/** An agent that is told or asked something has this long to show that it heard it, in milliseconds. */
const CONFIRM_TIMEOUT_MS = 5000;
const LOOK_EVERY_MS = 20;

/**
 * Tells the agent of this health directory to pause or resume, by signal, and waits until its status confirms.
 * Returns `false`, with the reason printed, where that did not happen.
 */
export async function tellAgent(
  command: "pause" | "resume",
  env: (variable: string) => string | undefined,
): Promise<boolean> {
  const directory = readSetting("healthDir", env);
  const status = await requireStatus(directory);
  if (!status) return false;
  if (status.state === "draining" || status.state === "stopped") {
    console.error(`The agent is ${status.state}: it claims nothing any more`);
    return false;
  }
  const wanted = command === "pause" ? "paused" : "running";
  if (status.control.state !== wanted) {
    if (!await answers(directory, status)) {
      console.error(
        `The agent of ${directory} does not answer as process ${status.pid}: it runs in another container ` +
          "(run this command there), as another user, or is stuck (see its log)",
      );
      return false;
    }
    Deno.kill(status.pid, command === "pause" ? "SIGUSR1" : "SIGUSR2");
  }
  const confirmed = await awaitStatus(directory, ({ control }) => control.state === wanted);
  if (!confirmed) {
    console.error(
      `The agent (pid ${status.pid}) did not confirm within ${
        CONFIRM_TIMEOUT_MS / 1000
      } s: see its log and \`pulling-agent status\``,
    );
    return false;
  }
  const { source, since } = confirmed.control;
  console.log(`${wanted}, by ${source}, since ${since}; ${confirmed.held.documents} documents held`);
  return true;
}

/**
 * Whether the process id in the status reaches the agent. A container that shares the directory and not the processes
 * would end a process of its own with a user signal; this one is harmless.
 */
async function answers(directory: string, { pid, answers }: Status): Promise<boolean> {
  using _turn = await takeTurn(directory);
  const before = (await readStatus(directory))?.answers ?? answers;
  try {
    Deno.kill(pid, "SIGURG");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied) return false;
    throw error;
  }
  return await awaitStatus(directory, (status) => status.answers > before) !== undefined;
}

async function awaitStatus(
  directory: string,
  accept: (status: Status) => boolean,
): Promise<Status | undefined> {
  for (const endMs = performance.now() + CONFIRM_TIMEOUT_MS; performance.now() < endMs;) {
    const status = await readStatus(directory);
    if (status && accept(status)) return status;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  return undefined;
}
