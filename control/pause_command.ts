import { readSetting } from "../agent/load_settings.ts";
import { isInUse } from "../health/health_dir.ts";
import { readStatus, type Status } from "../health/status.ts";

/** An agent that is told to pause or resume has this long to say that it did, in milliseconds. */
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
  const status = await isInUse(directory) ? await awaitStatus(directory, () => true) : undefined;
  if (!status) {
    console.error(
      `No agent is running here: ${directory} is used by none (HEALTH_DIR names another directory)`,
    );
    return false;
  }
  if (status.state === "draining" || status.state === "stopped") {
    console.error(`The agent is ${status.state}: it claims nothing any more`);
    return false;
  }
  const wanted = command === "pause" ? "paused" : "running";
  if (status.control.state !== wanted) Deno.kill(status.pid, command === "pause" ? "SIGUSR1" : "SIGUSR2");
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
