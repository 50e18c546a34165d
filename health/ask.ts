import { CommandError } from "../agent/errors.ts";
import { unreadable } from "./health_dir.ts";
import { openLockFile, takeLock } from "./file_lock.ts";
import { awaitStatus, readStatus, type Status } from "./status.ts";

/** An agent has this long to answer, in milliseconds. */
const ANSWER_TIMEOUT_MS = 5000;
/**
 * Longest wait for another command that asks, in milliseconds. Each such command takes at most the time of its answer.
 */
const TURN_TIMEOUT_MS = 30_000;
const TURNS = "commands.lock";

/** Why an agent did not answer. */
export type Silence = "no such process" | "not permitted" | "no answer";

/**
 * Asks the agent to show that a process id reaches it, and returns the status that it has written since.
 *
 * A container that shares the directory but not the processes would end a process of its own with a user signal; the
 * signal that asks is harmless. And an old status is not to be believed: its process may be frozen by now.
 */
export async function ask(directory: string, { pid, answers }: Status): Promise<Status | Silence> {
  using _turn = await takeTurn(directory);
  const before = (await readStatus(directory))?.answers ?? answers;
  const refusal = send(pid, "SIGURG");
  if (refusal) return refusal;
  return await awaitStatus(directory, ANSWER_TIMEOUT_MS, (status) => status.answers > before) ?? "no answer";
}

/**
 * The status that the agent has written since: this asks for it, if that is possible from here, and waits for it.
 * Undefined if it does not come.
 */
export async function refreshed(directory: string, status: Status): Promise<Status | undefined> {
  send(status.pid, "SIGURG");
  return await awaitStatus(
    directory,
    ANSWER_TIMEOUT_MS,
    ({ answers, updated_at }) => answers > status.answers || updated_at !== status.updated_at,
  );
}

/** Sends a signal; returns why that was not possible. */
function send(pid: number, signal: Deno.Signal): Silence | undefined {
  try {
    Deno.kill(pid, signal);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "no such process";
    if (error instanceof Deno.errors.PermissionDenied) return "not permitted";
    throw error;
  }
}

/** Waits for its turn to ask: of two commands that ask at once, neither would know whose answer it is. */
async function takeTurn(directory: string): Promise<Disposable> {
  let file: Deno.FsFile;
  try {
    file = await openLockFile(`${directory}/${TURNS}`);
  } catch (error) {
    throw unreadable(directory, error);
  }
  if (await takeLock(file, { isExclusive: true, waitMs: TURN_TIMEOUT_MS })) return file;
  throw new CommandError(
    `Another pause or resume in ${directory} has not ended for ${
      TURN_TIMEOUT_MS / 1000
    } s: try again, or end the command that hangs`,
  );
}
