import { ensureDir } from "@std/fs/ensure-dir";
import { errorText, HealthDirError } from "../agent/errors.ts";

/** The files of the health directory that probes and people look at. */
export type HealthFile = "liveness" | "readiness" | "startup" | "status.json";

const FILES: readonly HealthFile[] = ["liveness", "readiness", "startup", "status.json"];
const LOCK = "agent.lock";
/** A lock that is free is had within microseconds; one that is not had by then belongs to a live agent. */
const LOCK_WAIT_MS = 150;

/**
 * The directory that an agent tells the world about itself in, claimed for one agent.
 *
 * The claim is a lock of the operating system's, which ends with its process however that ends: unlike a process id it
 * holds across containers that share the directory, and is never left behind.
 */
export class HealthDir implements AsyncDisposable {
  readonly path: string;
  readonly #lock: Deno.FsFile;

  private constructor(path: string, lock: Deno.FsFile) {
    this.path = path;
    this.#lock = lock;
  }

  /**
   * Makes the directory if it is missing, claims it, and removes what an earlier agent left there.
   *
   * @throws {HealthDirError} Where it cannot be written, or another live agent uses it.
   */
  static async open(path: string): Promise<HealthDir> {
    try {
      await ensureDir(path);
      const lock = await Deno.open(`${path}/${LOCK}`, { create: true, write: true });
      if (!(await tryLock(lock))) {
        lock.close();
        throw new HealthDirError(
          `The health directory ${path} is used by another live agent: set HEALTH_DIR to a directory of its own`,
        );
      }
      const directory = new HealthDir(path, lock);
      for (const file of FILES) await directory.remove(file);
      await directory.write("status.json", "{}");
      return directory;
    } catch (error) {
      if (error instanceof HealthDirError) throw error;
      throw new HealthDirError(
        `The health directory ${path} cannot be written (${errorText(error)}): ` +
          "mount a writable volume there, or set HEALTH_DIR",
      );
    }
  }

  /** Replaces a file in one step: nobody ever reads half of it. */
  async write(file: HealthFile, content: string): Promise<void> {
    const temporary = `${this.path}/.${file}.new`;
    await Deno.writeTextFile(temporary, content + "\n");
    await Deno.rename(temporary, `${this.path}/${file}`);
  }

  /** Removes a file, if it is there. */
  async remove(file: HealthFile): Promise<void> {
    try {
      await Deno.remove(`${this.path}/${file}`);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /** Removes all files and lets go of the directory. Never throws. */
  async close(): Promise<void> {
    for (const file of FILES) await this.remove(file).catch(() => {});
    this.#lock.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** Whether a live agent uses the directory. */
export async function isInUse(path: string): Promise<boolean> {
  try {
    // Opened for reading: whoever may look at the directory may ask.
    using lock = await Deno.open(`${path}/${LOCK}`);
    return !(await tryLock(lock));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Waits for one's turn to ask the agent something, by a lock on the directory itself; it ends with the disposal. */
export async function takeTurn(path: string): Promise<Disposable> {
  const lock = await Deno.open(path);
  await lock.lock(true);
  return lock;
}

/** Takes the lock if it is free. A wait that was given up goes on in the background until the file is closed. */
async function tryLock(file: Deno.FsFile): Promise<boolean> {
  const taken = file.lock(true).then(() => true, () => false);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<false>((resolve) => timer = setTimeout(() => resolve(false), LOCK_WAIT_MS));
  try {
    return await Promise.race([taken, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
