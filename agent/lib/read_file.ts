import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { open } from "node:fs/promises";
import { systemClock } from "./clock.ts";

/** A pipe opens at once and shows that it is not a file, without a wait for a writer. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

/** The path does not lead to a file that can be read, but to a pipe, a directory or a device. */
export class NotAFileError extends Error {
  override readonly name = "NotAFileError";
}

/**
 * Reads the text of a file, at most its first `maxBytes` bytes, and never waits. It is for files that are read again
 * and again while the agent runs, and that another program may replace with anything.
 *
 * @throws {NotAFileError} If it is a pipe, a directory or another thing that is no file.
 * @throws {Error} What the system says otherwise.
 */
export async function readFileNow(path: string, maxBytes: number): Promise<string> {
  const file = await open(path, OPEN_FLAGS);
  try {
    if (!(await file.stat()).isFile()) throw new NotAFileError("it is not a file");
    const buffer = new Uint8Array(maxBytes);
    const { bytesRead } = await file.read(buffer, 0, maxBytes, 0);
    return textOf(buffer.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}

/** How a file is read at the start. */
export interface ReadOnceOptions {
  /** No more bytes than this are read. */
  maxBytes: number;
  /** If the file is a pipe, its writer has this long to write and close it, in milliseconds; without it a pipe is refused. */
  pipeWaitMs?: number;
}

/**
 * Reads the text of a file at the start, when there is nothing else to do: it may be a pipe, such as a shell's
 * `<(...)`. A pipe without a writer ends in an error, so that the start does not hang.
 *
 * @throws {NotAFileError} If it is a directory, a device, or a pipe whose writer takes longer than it may.
 * @throws {Error} What the system says otherwise.
 */
export function readFileOnce(path: string, { maxBytes, pipeWaitMs }: ReadOnceOptions): string {
  const descriptor = openSync(path, OPEN_FLAGS);
  try {
    const info = fstatSync(descriptor);
    if (info.isDirectory()) throw new NotAFileError("it is a directory");
    // One more byte than the file has shows its end. A file of the kernel reports a size of 0.
    if (info.isFile()) return textOf(readAll(descriptor, Math.min(maxBytes, Math.max(info.size + 1, SMALL))));
    if (!info.isFIFO() || pipeWaitMs === undefined) throw new NotAFileError("it is not a file");
    return textOf(readAll(descriptor, maxBytes, systemClock.monotonicMs() + pipeWaitMs));
  } finally {
    closeSync(descriptor);
  }
}

/** This much is read of any file, in bytes. */
const SMALL = 64 * 1024;

/** Time between two reads of a pipe, in milliseconds. */
const LOOK_EVERY_MS = 10;

/** All that a descriptor yields up to its end. A pipe that has had no writer yet has its end ahead. */
function readAll(descriptor: number, maxBytes: number, endMs?: number): Uint8Array {
  const buffer = new Uint8Array(maxBytes);
  let length = 0;
  while (length < maxBytes) {
    const read = readSome(descriptor, buffer, length);
    const isOver = read === 0 && (endMs === undefined || length > 0);
    if (isOver) break;
    if (read !== undefined && read > 0) length += read;
    else if (endMs === undefined || systemClock.monotonicMs() >= endMs) {
      throw new NotAFileError(
        `it is a pipe that ${length > 0 ? "its writer does not close" : "nothing writes to"}`,
      );
    } else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_EVERY_MS);
  }
  return buffer.subarray(0, length);
}

/** How many bytes have come; undefined if a pipe has a writer and holds nothing yet. */
function readSome(descriptor: number, buffer: Uint8Array, at: number): number | undefined {
  try {
    return readSync(descriptor, buffer, at, buffer.length - at, null);
  } catch (error) {
    if ((error as { code?: unknown }).code === "EAGAIN") return undefined;
    throw error;
  }
}

/** Whether an error says that nothing is at a path, in the words of either of the runtime's two interfaces. */
export function isNotFound(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound || (error as { code?: unknown } | null)?.code === "ENOENT";
}

/** Whether an error says that the user of the process lacks the right, in the words of either. */
export function isPermissionDenied(error: unknown): boolean {
  return error instanceof Deno.errors.PermissionDenied ||
    (error as { code?: unknown } | null)?.code === "EACCES";
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
