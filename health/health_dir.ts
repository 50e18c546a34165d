import { CommandError, errorText, isSystemError } from "../agent/errors.ts";
import { usedUp } from "../agent/lib/used_up.ts";
import { isPermissionDenied } from "../agent/lib/read_file.ts";
import { DirClaim, isClaimed } from "./dir_claim.ts";

/** The files of the health directory that probes and people look at. */
export type HealthFile = "liveness" | "readiness" | "startup" | "metrics.prom" | "status.json";

/**
 * All of them, in the order in which they are brought up to date: a reader who learns of a pause finds the readiness
 * gone, and one who learns that the agent has answered finds its metrics.
 */
export const HEALTH_FILES: readonly HealthFile[] = [
  "readiness",
  "startup",
  "liveness",
  "metrics.prom",
  "status.json",
];

/** The directory with one agent's health files, claimed for that agent. */
export class HealthDir implements AsyncDisposable {
  readonly path: string;
  #claim: DirClaim;
  /** Whether the last try to keep it failed. */
  #isLost = false;

  private constructor(path: string, claim: DirClaim) {
    this.path = path;
    this.#claim = claim;
  }

  /**
   * Makes the directory if it is missing, claims it, and removes the files of an earlier agent.
   *
   * @param waitMs How long to wait for another agent to let go of it, in milliseconds.
   * @throws {CommandError} If it cannot be written, or another live agent uses it.
   */
  static async open(path: string, waitMs?: number): Promise<HealthDir> {
    try {
      await makeDirectory(path);
      const claim = await DirClaim.ask(path, waitMs);
      if (!claim.isTaken) {
        throw new CommandError(
          `The health directory ${path} is used by another live agent: set HEALTH_DIR to a directory of its own`,
        );
      }
      const directory = new HealthDir(path, claim);
      for (const file of HEALTH_FILES) await directory.remove(file);
      await directory.write("status.json", "{}");
      return directory;
    } catch (error) {
      // For any other error, another directory is no help.
      if (error instanceof CommandError || !isSystemError(error)) throw error;
      throw unwritable(path, error);
    }
  }

  /**
   * Makes sure that the directory exists and is still claimed by this agent, even if it was removed or replaced;
   * returns whether something was wrong, so that files may be missing.
   *
   * @throws {CommandError} If another agent has claimed it by now: then nothing may be written into it.
   */
  async keep(): Promise<boolean> {
    let isAmiss = this.#isLost;
    this.#isLost = true;
    if (await this.#claim.stands()) isAmiss = await this.#claim.mend() || isAmiss;
    else {
      isAmiss = true;
      await makeDirectory(this.path);
      this.#claim.release();
      this.#claim = await DirClaim.ask(this.path);
    }
    if (!this.#claim.isTaken) {
      throw new CommandError(
        `The health directory ${this.path} was removed, and another live agent uses it now: ` +
          "set HEALTH_DIR of one of them to a directory of its own",
      );
    }
    this.#isLost = false;
    return isAmiss;
  }

  /** Makes files that are used and never written look used, for sweepers that go by age. */
  async touch(): Promise<void> {
    await this.#claim.touch();
  }

  /** Replaces a file in one step: no reader ever sees half of it. */
  async write(file: HealthFile, content: string): Promise<void> {
    const [temporary, path] = [`${this.path}/.${file}.new`, `${this.path}/${file}`];
    await writeNew(temporary, content + "\n");
    try {
      await Deno.rename(temporary, path);
    } catch (error) {
      if (!(error instanceof Deno.errors.IsADirectory)) throw error;
      // An empty directory is there by mistake; if it holds something, this agent may not remove it.
      await Deno.remove(path);
      await Deno.rename(temporary, path);
    }
  }

  /** Whether there is a file, and nothing else, under this name. */
  async has(file: HealthFile): Promise<boolean> {
    try {
      return (await Deno.lstat(`${this.path}/${file}`)).isFile;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  }

  /** Removes a file, if it exists. */
  async remove(file: HealthFile): Promise<void> {
    try {
      await Deno.remove(`${this.path}/${file}`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /** Removes all files and gives the directory back. Never throws. */
  async close(): Promise<void> {
    const isOurs = !this.#isLost && await this.#claim.stands().catch(() => false);
    if (isOurs) { for (const file of HEALTH_FILES) await this.remove(file).catch(() => {}); }
    this.#claim.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/**
 * Whether a live agent uses the directory.
 *
 * @throws {CommandError} If that cannot be found out.
 */
export async function isInUse(path: string): Promise<boolean> {
  try {
    return await isClaimed(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** A health directory that a command cannot look into. */
export function unreadable(path: string, error: unknown): CommandError {
  if (error instanceof CommandError) return error;
  const problem = `The health directory ${path} cannot be read (${errorText(error)})`;
  // No other user reads what is no directory.
  const text = isPermissionDenied(error)
    ? `${problem}: run this as the user that the agent runs as, or set HEALTH_DIR to the directory of the agent`
    : `${problem}: set HEALTH_DIR to the directory of the agent`;
  return new CommandError(text, { cause: error });
}

function unwritable(path: string, error: unknown): CommandError {
  const mend = usedUp(error) ?? "mount a writable volume there, or set HEALTH_DIR";
  return new CommandError(
    `The health directory ${path} cannot be written (${errorText(error)}): ${mend}`,
    { cause: error },
  );
}

async function writeNew(path: string, content: string): Promise<void> {
  try {
    await Deno.writeTextFile(path, content, { createNew: true });
  } catch (error) {
    // On a full disk, half of a file would keep the other files from being written as well.
    await Deno.remove(path).catch(() => {});
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    // It was left by a killed agent, or is a link that leads out of the directory.
    await Deno.writeTextFile(path, content, { createNew: true });
  }
}

/** Makes the directory and those above it, if they are missing. */
async function makeDirectory(path: string): Promise<void> {
  try {
    await Deno.mkdir(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    throw unwritable(path, new Error("it is not a directory", { cause: error }));
  }
}
