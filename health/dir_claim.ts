import { type LockWish, openLock, openLockFile, takeLock } from "./file_lock.ts";

const LOCK = "agent.lock";
/** A lock that is free is had within microseconds; one that is not had by then belongs to a live agent, in milliseconds. */
const LOCK_WAIT_MS = 150;
const WISH: LockWish = { isExclusive: true, waitMs: LOCK_WAIT_MS };

/**
 * The claim of one agent on a health directory: locks of the operating system, which end with their process however that
 * ends. Unlike a process id they hold across containers that share the directory, and are never left behind.
 *
 * There are two. The one on the directory itself stays when a sweeper of temporary files takes all that is in it; the one
 * on a file in it works on file systems that cannot lock directories.
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
   * Asks for the directory, which has to be there; {@linkcode DirClaim.isTaken} says whether it was free.
   *
   * @throws {Error} If it cannot be read, or the lock file cannot be made.
   */
  static async ask(path: string): Promise<DirClaim> {
    const claim = new DirClaim(path);
    await claim.#take();
    return claim;
  }

  /** Whether the directory is claimed. */
  get isTaken(): boolean {
    return this.#isTaken;
  }

  /** Whether the directory that is claimed is still what stands at its path. */
  async stands(): Promise<boolean> {
    return this.#directory !== undefined && await isSame(this.#directory, this.#path);
  }

  /**
   * Makes the lock file again if it was removed, and asks for it; returns whether it was.
   *
   * @throws {Error} If the lock file cannot be made.
   */
  async mend(): Promise<boolean> {
    if (this.#file && await isSame(this.#file, `${this.#path}/${LOCK}`)) return false;
    this.#file?.handle.close();
    this.#file = undefined;
    this.#isTaken = false;
    await this.#takeFile();
    return true;
  }

  /** Makes the lock file look used, so that those who sweep by age leave it alone. Never throws: not everyone may. */
  async touch(): Promise<void> {
    const now = new Date();
    await this.#file?.handle.utime(now, now).catch(() => {});
  }

  /** Lets go of the directory. */
  release(): void {
    this.#isTaken = false;
    for (const open of [this.#directory, this.#file]) open?.handle.close();
    this.#directory = this.#file = undefined;
  }

  async #take(): Promise<void> {
    // First the directory: who is refused leaves no lock file behind, which the holder may just be about to make.
    const directory = await identified(openLock(this.#path));
    try {
      if (!await takeLock(directory.handle, WISH)) return;
      this.#directory = directory;
    } catch {
      // A file system that cannot lock directories: the lock file has to do.
      this.#directory = await identified(openLock(this.#path));
    }
    try {
      await this.#takeFile();
    } finally {
      if (!this.#isTaken) this.release();
    }
  }

  async #takeFile(): Promise<void> {
    const file = await identified(openLockFile(`${this.#path}/${LOCK}`));
    if (!await takeLock(file.handle, WISH)) return;
    this.#file = file;
    this.#isTaken = true;
  }
}

/** Whether a live agent has claimed the directory. A process that may read it may ask. */
export async function isClaimed(path: string): Promise<boolean> {
  const answers = await Promise.all([isLocked(path), isLocked(`${path}/${LOCK}`)]);
  return answers.includes(true);
}

/** Whether a lock is held. The file is asked in vain if it is missing, or if its file system has no locks. */
async function isLocked(path: string): Promise<boolean> {
  let file: Deno.FsFile;
  try {
    file = await openLock(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
  try {
    // Shared: those who ask do not get into each other's way.
    if (!await takeLock(file, { isExclusive: false, waitMs: LOCK_WAIT_MS })) return true;
  } catch {
    return false;
  }
  file.close();
  return false;
}

/** An open file, and which one it is: asked of the handle itself, that would be answered when its lock is had. */
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

/** Whether an open file is what stands at a path. */
async function isSame({ device, inode }: OpenFile, path: string): Promise<boolean> {
  try {
    const { dev, ino } = await Deno.stat(path);
    return dev === device && ino === inode;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}
