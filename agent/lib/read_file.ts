import { constants } from "node:fs";
import { open } from "node:fs/promises";

/** A pipe opens at once, and shows that it is no file, instead of waiting for a writer. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

/**
 * Reads the text of a file, of its first `maxBytes` bytes at most, and never waits: for files that are read again
 * and again while the agent runs, and that another program may replace with anything.
 *
 * @throws {Error} If it is a pipe, a directory or another thing that is no file, and what the system says otherwise.
 */
export async function readFileNow(path: string, maxBytes: number): Promise<string> {
  const file = await open(path, OPEN_FLAGS);
  try {
    if (!(await file.stat()).isFile()) throw new Error("it is not a file");
    const buffer = new Uint8Array(maxBytes);
    const { bytesRead } = await file.read(buffer, 0, maxBytes, 0);
    return new TextDecoder().decode(buffer.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}
