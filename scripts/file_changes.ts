/**
 * Following a file that another process writes.
 *
 * @module
 */

/** "The file may have changed", from the system if it reports that, else by the clock. */
export class FileChanges {
  readonly #watcher: Deno.FsWatcher | undefined;
  readonly #events: AsyncIterator<Deno.FsEvent> | undefined;
  #isClosed = false;

  constructor(path: string) {
    try {
      this.#watcher = Deno.watchFs(path.slice(0, path.lastIndexOf("/")) || ".", { recursive: false });
      this.#events = this.#watcher[Symbol.asyncIterator]();
    } catch {
      // The system has no watches left: the clock is enough.
    }
  }

  /** Resolves true at the next change, false once closed. */
  async next(): Promise<boolean> {
    if (this.#events !== undefined) return !(await this.#events.next()).done;
    await new Promise((resolve) => setTimeout(resolve, 20));
    return !this.#isClosed;
  }

  close(): void {
    if (!this.#isClosed) this.#watcher?.close();
    this.#isClosed = true;
  }
}

/** Size of a file in bytes; 0 if there is none. */
export async function sizeOf(path: string): Promise<number> {
  try {
    return (await Deno.stat(path)).size;
  } catch {
    return 0;
  }
}

/** The text of a file from a byte on; empty if there is no file. */
export async function readFrom(path: string, offset: number): Promise<string> {
  try {
    return new TextDecoder().decode((await Deno.readFile(path)).subarray(offset));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}
