import { openLock, openLockFile, takeLock } from "./file_lock.ts";

const LOCK = "agent.lock";
/**
 * A free lock is locked within microseconds. If a lock is not free within this time, it belongs to a live agent, in
 * milliseconds.
 */
const LOCK_WAIT_MS = 150;
/**
 * How long an agent that starts waits for each lock, in milliseconds. On a busy machine, or in a container with little CPU,
 * a free lock takes longer to answer than a command waits, and an agent that is refused does not run.
 */
export const START_LOCK_WAIT_MS = 3000;

/**
 * The claim of one agent on a health directory: locks of the operating system. They end with their process, however it
 * ends. Unlike a process id they work across containers that share the directory, and are never left behind.
 *
 * There are two. The lock on the directory itself stays if a sweeper of temporary files removes all files in it. The
 * lock on a file in it works on file systems that cannot lock directories.
 */
export class DirClaim {
  readonly #path: string;
  /** Each is locked for as long as it is there. */
  #directory: OpenFile | undefined;
  #file: OpenFile | undefined;
  #isTaken = false;

  private constructor(path: string) {
    this.#path = path;
  }

  /**
   * Asks for the directory, which has to exist; {@linkcode DirClaim.isTaken} tells whether it was free.
   *
   * @param waitMs How long to wait for each lock, in milliseconds.
   * @throws {Error} If it cannot be read, or the lock file cannot be made.
   */
  static async ask(path: string, waitMs: number = LOCK_WAIT_MS): Promise<DirClaim> {
    const claim = new DirClaim(path);
    await claim.#take(waitMs);
    return claim;
  }

  /** Whether the directory is claimed. */
  get isTaken(): boolean {
    return this.#isTaken;
  }

  /** Whether the claimed directory is still the one at its path. */
  async stands(): Promise<boolean> {
    return this.#directory !== undefined && await isSame(this.#directory, this.#path);
  }

  /**
   * Makes the lock file again if it was removed, and locks it; returns whether it was removed.
   *
   * @throws {Error} If the lock file cannot be made.
   */
  async mend(): Promise<boolean> {
    if (this.#file && await isSame(this.#file, `${this.#path}/${LOCK}`)) return false;
    this.#file?.handle.close();
    this.#file = undefined;
    this.#isTaken = false;
    await this.#takeFile(LOCK_WAIT_MS);
    return true;
  }

  /**
   * Makes the lock file look used, so that sweepers that go by age leave it alone. Never throws: not every user may do
   * it.
   */
  async touch(): Promise<void> {
    const now = new Date();
    await this.#file?.handle.utime(now, now).catch(() => {});
  }

  /** Gives the directory back. */
  release(): void {
    this.#isTaken = false;
    for (const open of [this.#directory, this.#file]) open?.handle.close();
    this.#directory = this.#file = undefined;
  }

  async #take(waitMs: number): Promise<void> {
    // First the directory: an agent that is refused leaves no lock file behind, which the holder may be about to make.
    const directory = await identified(openLock(this.#path));
    try {
      if (!await takeLock(directory.handle, { isExclusive: true, waitMs })) return;
      this.#directory = directory;
    } catch {
      // A file system that cannot lock directories: the lock file has to do.
      this.#directory = await identified(openLock(this.#path));
    }
    try {
      await this.#takeFile(waitMs);
    } finally {
      if (!this.#isTaken) this.release();
    }
  }

  async #takeFile(waitMs: number): Promise<void> {
    const file = await identified(openLockFile(`${this.#path}/${LOCK}`));
    if (!await takeLock(file.handle, { isExclusive: true, waitMs })) return;
    this.#file = file;
    this.#isTaken = true;
  }
}

/** Whether a live agent has claimed the directory. A process that may read it may ask. */
export async function isClaimed(path: string): Promise<boolean> {
  // If one fails, the other still has its file open: it ends first.
  const answers = await Promise.allSettled([isLocked(path), isLocked(`${path}/${LOCK}`)]);
  return answers.map((answer) => {
    if (answer.status === "rejected") throw answer.reason;
    return answer.value;
  }).includes(true);
}

/** Whether a lock is held. The file cannot tell if it is missing, or if its file system has no locks. */
async function isLocked(path: string): Promise<boolean> {
  let file: Deno.FsFile;
  try {
    file = await openLock(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
  try {
    // The lock is shared: those who ask do not block each other.
    if (!await takeLock(file, { isExclusive: false, waitMs: LOCK_WAIT_MS })) return true;
  } catch {
    return false;
  }
  file.close();
  return false;
}

/**
 * An open file and its identity, which is read by path: a call on the handle itself would wait until its lock is free.
 */
interface OpenFile {
  readonly handle: Deno.FsFile;
  readonly device: number;
  readonly inode: number | null;
}

async function identified(opening: Promise<Deno.FsFile>): Promise<OpenFile> {
  const handle = await opening;
  try {
    const { dev: device, ino: inode } = await handle.stat();
    return { handle, device, inode };
  } catch (error) {
    handle.close();
    throw error;
  }
}

/** Whether an open file is the one at a path. */
async function isSame({ device, inode }: OpenFile, path: string): Promise<boolean> {
  try {
    const { dev, ino } = await Deno.stat(path);
    return dev === device && ino === inode;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}
