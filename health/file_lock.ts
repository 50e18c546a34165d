import { CommandError } from "../agent/errors.ts";
import { clearTimeout, setTimeout } from "../agent/lib/builtins.ts";
import { isNotFound } from "../agent/lib/read_file.ts";

/** Between two looks at a lock that another process holds, in milliseconds. */
const LOOK_EVERY_MS = 10;

/** How a lock is asked for. */
export interface LockWish {
  /** Whether it is to be held alone; else all that ask for a shared one have it together. */
  isExclusive: boolean;
  /** How long to wait for it, in milliseconds. */
  waitMs: number;
}

/**
 * Opens a file, or a directory, to be locked. To open a pipe would be to wait for its other end.
 *
 * @throws {CommandError} If something else is in its place.
 */
export async function openLock(path: string, options?: Deno.OpenOptions): Promise<Deno.FsFile> {
  try {
    const { isFile, isDirectory } = await Deno.stat(path);
    if (!isFile && !isDirectory) {
      throw new CommandError(
        `${path} is not a file: remove it, or set HEALTH_DIR to a directory of the agent's own`,
      );
    }
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  return await Deno.open(path, options);
}

/**
 * Locks an open file; returns whether it could within the time. **A file whose lock is not had is closed**: a process that
 * has said that it gave up must not take the lock later.
 *
 * @throws {Error} If the file system has no locks. The file is closed then, too.
 */
export async function takeLock(file: Deno.FsFile, wish: LockWish): Promise<boolean> {
  let isTaken = false;
  try {
    isTaken = "tryLock" in file ? await lookedFor(file, wish) : await waitedFor(file, wish);
  } finally {
    if (!isTaken) file.close();
  }
  return isTaken;
}

/** Asks again and again, which leaves nothing behind that waits. */
async function lookedFor(file: Deno.FsFile, { isExclusive, waitMs }: LockWish): Promise<boolean> {
  const endMs = performance.now() + waitMs;
  for (;;) {
    if (await file.tryLock(isExclusive)) return true;
    if (performance.now() >= endMs) return false;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/**
 * The same for a runtime before Deno 2.7, which can only wait. A wait cannot be called back: it ends when the lock is had,
 * which a closed file lets go of in the same moment.
 */
async function waitedFor(file: Deno.FsFile, { isExclusive, waitMs }: LockWish): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const limit = new Promise<boolean>((resolve) => timer = setTimeout(() => resolve(false), waitMs));
  const lock = file.lock(isExclusive).then(() => true);
  // Of a wait that was given up nothing is wanted any more, its failure included.
  lock.catch(() => {});
  try {
    return await Promise.race([lock, limit]);
  } finally {
    clearTimeout(timer);
  }
}
