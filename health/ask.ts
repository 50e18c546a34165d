import { CommandError } from "../agent/errors.ts";
import { unreadable } from "./health_dir.ts";
import { openLockFile, takeLock } from "./file_lock.ts";
import { awaitStatus, readStatus, type Status } from "./status.ts";

/** An agent that is asked something has this long to answer, in milliseconds. */
const ANSWER_TIMEOUT_MS = 5000;
/** Another command may be asking, in milliseconds: each takes its answer's time at most. */
const TURN_TIMEOUT_MS = 30_000;
const TURNS = "commands.lock";

/** Why an agent did not answer. */
export type Silence = "no such process" | "not permitted" | "no answer";

/**
 * Asks the agent to show that a process id reaches it, and returns the status that it has written since.
 *
 * A container that shares the directory and not the processes would end a process of its own with a user signal; the one
 * that asks is harmless. And what a status of before says of a process that is frozen by now is not to be believed.
 */
export async function ask(directory: string, { pid, answers }: Status): Promise<Status | Silence> {
  using _turn = await takeTurn(directory);
  const before = (await readStatus(directory))?.answers ?? answers;
  const refusal = send(pid, "SIGURG");
  if (refusal) return refusal;
  return await awaitStatus(directory, ANSWER_TIMEOUT_MS, (status) => status.answers > before) ?? "no answer";
}

/**
 * The status as the agent has written it since: it is asked to, if that is possible from here, and waited for. Undefined if
 * it does not come.
 */
export async function refreshed(directory: string, status: Status): Promise<Status | undefined> {
  send(status.pid, "SIGURG");
  return await awaitStatus(
    directory,
    ANSWER_TIMEOUT_MS,
    ({ answers, updated_at }) => answers > status.answers || updated_at !== status.updated_at,
  );
}

/** Sends a signal; says why that was not possible. */
function send(pid: number, signal: Deno.Signal): Silence | undefined {
  try {
    Deno.kill(pid, signal);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "no such process";
    if (error instanceof Deno.errors.PermissionDenied) return "not permitted";
    throw error;
  }
}

/** Waits for one's turn to ask: of two that ask at once neither would know whom the answer was for. */
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
