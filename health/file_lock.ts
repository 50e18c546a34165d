import { closeSync, constants, fchmodSync, openSync } from "node:fs";
import { CommandError, isSystemError } from "../agent/errors.ts";
import { systemClock } from "../agent/lib/clock.ts";
import { doneBy, sleep } from "../agent/lib/deadline.ts";
import { isNotFound, isPermissionDenied } from "../agent/lib/read_file.ts";

/** Time between two tries on a lock that another process holds, in milliseconds. */
const LOOK_EVERY_MS = 10;

/** A lock file holds nothing. Each user who may enter its directory may read it, and that is enough to lock it. */
const LOCK_MODE = 0o644;
/** Fails if anything is at the path: root must not make a file at the end of a link that another user has put there. */
const MAKE_FLAGS = constants.O_CREAT | constants.O_EXCL | constants.O_RDWR;

/** The kind of lock, and how long to wait for it. */
interface LockWish {
  /** Whether to hold it alone. Otherwise it is shared with all that ask for a shared one. */
  isExclusive: boolean;
  /** How long to wait for it, in milliseconds. */
  waitMs: number;
}

/**
 * Opens a file, or a directory, to be locked. Opening a pipe would wait for its other end.
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
 * Opens a lock file, and makes it if it is missing. It does not belong to the user who came first: root and the agent's
 * own user may follow each other, in either order and under any umask.
 *
 * @throws {CommandError} If something else is in its place, or another user keeps it to itself.
 * @throws {Error} If it is missing and cannot be made.
 */
export async function openLockFile(path: string): Promise<Deno.FsFile> {
  if (!await isThere(path)) makeLockFile(path);
  return await openExisting(path);
}

/** Whether there is a lock file; a link in its place could lead root to a file of another user's choice. */
async function isThere(path: string): Promise<boolean> {
  try {
    if (!(await Deno.lstat(path)).isSymlink) return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
  throw new CommandError(`${path} is a link: remove it`);
}

/** A network file system locks only a file that is open for writing; another user's file opens only for reading. */
async function openExisting(path: string): Promise<Deno.FsFile> {
  try {
    return await openLock(path, { read: true, write: true });
  } catch (error) {
    if (!isSystemError(error) || error instanceof Deno.errors.IsADirectory) throw error;
  }
  try {
    return await openLock(path);
  } catch (error) {
    if (!isPermissionDenied(error)) throw error;
    throw new CommandError(
      `${path} belongs to another user and cannot be read: remove it as that user or as root`,
      { cause: error },
    );
  }
}

/** Makes an empty lock file; does nothing if another process was quicker. */
function makeLockFile(path: string): void {
  let descriptor: number;
  try {
    descriptor = openSync(path, MAKE_FLAGS, LOCK_MODE);
  } catch (error) {
    if ((error as { code?: unknown }).code === "EEXIST") return;
    throw error;
  }
  try {
    // The umask may have removed bits. The descriptor is of this file, even if another one is at the path by now.
    fchmodSync(descriptor, LOCK_MODE);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Locks an open file; returns whether that succeeded in time. **If it did not, the file is closed**: a process that has
 * reported that it gave up must not get the lock later.
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

/** Tries again and again, which leaves no wait behind. */
async function lookedFor(file: Deno.FsFile, { isExclusive, waitMs }: LockWish): Promise<boolean> {
  const endMs = systemClock.monotonicMs() + waitMs;
  for (;;) {
    if (await file.tryLock(isExclusive)) return true;
    if (systemClock.monotonicMs() >= endMs) return false;
    await sleep(systemClock, LOOK_EVERY_MS);
  }
}

/**
 * The same for a runtime before Deno 2.7, which can only wait. A wait cannot be cancelled: it ends when the file is
 * locked, and a closed file gives the lock back at the same moment.
 */
async function waitedFor(file: Deno.FsFile, { isExclusive, waitMs }: LockWish): Promise<boolean> {
  const lock = file.lock(isExclusive).then(() => true);
  return await doneBy(lock, { clock: systemClock, limitMs: waitMs }) ?? false;
}
