/**
 * Calls back as soon as something in a directory may have changed. This is only a hint: it may never come.
 *
 * Deno's watcher opens each path of an event. If the path is a pipe, that blocks the watcher's thread until the pipe
 * has a writer. The next call that makes or closes a watcher waits for that thread, and the whole process with it. So
 * there is one watcher for the life of the process: a directory that is made anew is not watched anew, and the agent
 * never closes the watcher.
 */
export class DirectoryWatch {
  readonly #directory: string;
  readonly #onHint: () => void;
  #watcher: Deno.FsWatcher | undefined;
  #isStarted = false;
  #isOver = false;

  constructor(directory: string, onHint: () => void) {
    this.#directory = directory;
    this.#onHint = onHint;
  }

  /** Begins to watch if the directory exists; later calls do nothing. Never throws: without a watcher no hints come. */
  start(): void {
    if (this.#isStarted || this.#isOver) return;
    try {
      this.#watcher = Deno.watchFs(this.#directory, { recursive: false });
    } catch (error) {
      // The directory may come later. A node that has run out of watches is not asked again and again.
      this.#isStarted = !(error instanceof Deno.errors.NotFound);
      return;
    }
    this.#isStarted = true;
    this.#follow(this.#watcher);
  }

  /** No hint comes any more. The watcher stays open. */
  stop(): void {
    this.#isOver = true;
  }

  /** Closes the watcher; may wait forever if there ever was a pipe in the directory. */
  close(): void {
    this.stop();
    this.#watcher?.close();
  }

  async #follow(watcher: Deno.FsWatcher): Promise<void> {
    try {
      for await (const _ of watcher) if (!this.#isOver) this.#onHint();
    } catch {
      // It was closed, or ended by itself: no hints come any more.
    }
  }
}
