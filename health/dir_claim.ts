const LOCK = "agent.lock";
/** A lock that is free is had within microseconds; one that is not had by then belongs to a live agent, in milliseconds. */
const LOCK_WAIT_MS = 150;

/**
 * The claim of one agent on a health directory: locks of the operating system, which end with their process however that
 * ends. Unlike a process id they hold across containers that share the directory, and are never left behind.
 *
 * There are two. The one on the directory itself stays when a sweeper of temporary files takes all that is in it; the one
 * on a file in it works on file systems that cannot lock directories.
 */
export class DirClaim {
  readonly #path: string;
  readonly #directory: OpenFile;
  #file: OpenFile | undefined;
  #taking: Promise<void>;
  #hasDirectory = false;
  #isTaken = false;
  #isReleased = false;

  private constructor(path: string, directory: OpenFile) {
    this.#path = path;
    this.#directory = directory;
    this.#taking = this.#take();
    // It is told of when the claim is asked for.
    this.#taking.catch(() => {});
  }

  /** Asks for the directory, which has to be there; {@linkcode DirClaim.isTaken} says whether it was free. */
  static async ask(path: string): Promise<DirClaim> {
    return new DirClaim(path, await openFile(path, { read: true }));
  }

  /**
   * Whether the directory is claimed. A claim that must wait goes on waiting, and holds once its holder is gone.
   *
   * @throws {Error} If the lock file cannot be made.
   */
  async isTaken(): Promise<boolean> {
    if (!this.#isTaken) await within(LOCK_WAIT_MS, this.#taking);
    return this.#isTaken;
  }

  /** Whether the directory is still what stands at its path. */
  async stands(): Promise<boolean> {
    return await isSame(this.#directory, this.#path);
  }

  /** Makes the lock file again if it was removed, and asks for it; returns whether it was. */
  async mend(): Promise<boolean> {
    if (!this.#hasDirectory) return false;
    const lost = this.#file;
    if (lost && await isSame(lost, `${this.#path}/${LOCK}`)) return false;
    this.#isTaken = false;
    this.#taking = this.#takeFile();
    this.#taking.catch(() => {});
    await this.isTaken();
    lost?.handle.close();
    return true;
  }

  /** Makes the lock file look used, so that those who sweep by age leave it alone. Never throws: not everyone may. */
  async touch(): Promise<void> {
    const now = new Date();
    await this.#file?.handle.utime(now, now).catch(() => {});
  }

  /** Lets go of the directory, or stops asking for it. */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    this.#directory.handle.close();
    this.#file?.handle.close();
  }

  async #take(): Promise<void> {
    // First the directory: who is refused leaves no lock file behind, which the holder may just be about to make.
    await this.#directory.handle.lock(true).catch(() => {});
    if (this.#isReleased) return;
    this.#hasDirectory = true;
    await this.#takeFile();
  }

  async #takeFile(): Promise<void> {
    const file = await openFile(`${this.#path}/${LOCK}`, { create: true, write: true });
    if (this.#isReleased) return file.handle.close();
    this.#file = file;
    await file.handle.lock(true);
    this.#isTaken = !this.#isReleased;
  }
}

/** Whether a live agent has claimed the directory. Whoever may read it may ask. */
export async function isClaimed(path: string): Promise<boolean> {
  const answers = await Promise.all([isLocked(path), isLocked(`${path}/${LOCK}`)]);
  return answers.includes(true);
}

/** Whether a lock is held. The file is asked in vain if it is missing, or if its file system has no locks. */
async function isLocked(path: string): Promise<boolean> {
  try {
    using file = await Deno.open(path);
    // Shared: those who ask do not get into each other's way.
    let isFree = false;
    await within(LOCK_WAIT_MS, file.lock(false).catch(() => {}).then(() => isFree = true));
    return !isFree;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** An open file, and which one it is: asked of the handle itself, that would be answered when its lock is had. */
interface OpenFile {
  readonly handle: Deno.FsFile;
  readonly device: number;
  readonly inode: number | null;
}

async function openFile(path: string, options: Deno.OpenOptions): Promise<OpenFile> {
  const handle = await Deno.open(path, options);
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

/** Waits for something, but no longer than that. */
async function within(limitMs: number, done: Promise<unknown>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise((resolve) => timer = setTimeout(resolve, limitMs));
  try {
    await Promise.race([done, limit]);
  } finally {
    clearTimeout(timer);
  }
}
