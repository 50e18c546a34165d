import { errorText } from "../agent/errors.ts";

/** What the file may ask for. */
export type FileCommand = "pause" | "resume";

/** What a {@linkcode ControlFile} needs. */
export interface ControlFileOptions {
  path: string;
  /** Told of each change of what the file asks for. */
  onCommand(command: FileCommand): void;
  /** Told once of each thing that is odd about the file. */
  onProblem(message: string): void;
  /** Told once that there is no file, which is nothing odd: it is optional. */
  onAbsent(message: string): void;
}

/** The file is read this often whatever the watcher says, in milliseconds. */
const POLL_MS = 1000;
const ABSENT = "signals and commands pause and resume, and the agent stays as it is";
/** As much as is read of it, in bytes: more than either word needs. */
const MAX_BYTES = 256;

/**
 * Follows the file that operators write `pause` or `resume` into.
 *
 * A ConfigMap changes by swapping a symbolic link beside the file, so that the directory is watched, not the file. The
 * watcher only makes it quick: events get lost, a recreated directory goes silent, and a node may have run out of
 * watches; reading the file every second is what is relied on.
 */
export class ControlFile {
  readonly #options: ControlFileOptions;
  readonly #directory: string;
  #last: FileCommand | undefined;
  readonly #reported: Record<"content" | "watch", string> = { content: "", watch: "" };
  #missedLooks = 0;
  #watched: { watcher: Deno.FsWatcher; inode: number | null } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #ticking: Promise<void> | undefined;
  #reading: Promise<void> | undefined;
  #stopped = false;

  constructor(options: ControlFileOptions) {
    this.#options = options;
    this.#directory = options.path.replace(/\/[^/]*$/, "") || (options.path.startsWith("/") ? "/" : ".");
  }

  /** Reads the file once and follows it from then on. Never throws. */
  async start(): Promise<void> {
    await (this.#ticking = this.#tick());
  }

  /** Stops following; resolves once nothing is under way any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#unwatch();
    await this.#ticking;
    await this.#reading;
  }

  async #tick(): Promise<void> {
    await this.#read({ mayBeWritten: false });
    await this.#keepWatching();
    if (!this.#stopped) this.#timer = setTimeout(() => this.#ticking = this.#tick(), POLL_MS);
  }

  #read(options: { mayBeWritten: boolean }): Promise<void> {
    // One at a time, so that an older content is never taken for a newer one.
    this.#reading = (this.#reading ?? Promise.resolve()).then(() => this.#readOnce(options))
      // Whatever goes wrong with one reading, the next one comes: a rejected chain would be deaf for ever.
      .catch((error) => this.#problem("content", `cannot be followed: ${errorText(error)}`));
    return this.#reading;
  }

  async #readOnce({ mayBeWritten }: { mayBeWritten: boolean }): Promise<void> {
    if (this.#stopped) return;
    let content: string;
    try {
      content = (await readStart(this.#options.path)).trim();
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) {
        this.#problem("content", `cannot be read: ${errorText(error)}`);
      } else if (!mayBeWritten && ++this.#missedLooks > 1) {
        // It may be absent for a moment, while it is replaced.
        this.#absent();
      }
      return;
    }
    this.#missedLooks = 0;
    const command = content.toLowerCase();
    if (command === "pause" || command === "resume") {
      // A command that could not be carried out is told again with the next reading.
      if (command !== this.#last) this.#options.onCommand(command);
      this.#last = command;
      this.#reported.content = "";
    } else if (content === "") {
      // The watcher also tells of the moment between a file's being emptied and written: that is nothing odd.
      if (!mayBeWritten) this.#problem("content", "is empty: write pause or resume into it");
    } else {
      this.#problem("content", `says ${JSON.stringify(content.slice(0, 40))}: write pause or resume into it`);
    }
  }

  /** Watches the directory as long as it is the same one; a recreated one is watched anew. */
  async #keepWatching(): Promise<void> {
    const inode = await Deno.stat(this.#directory).then(({ ino }) => ino, () => undefined);
    if (this.#stopped || (this.#watched && this.#watched.inode === inode)) return;
    this.#unwatch();
    if (inode === undefined) return;
    try {
      const watcher = Deno.watchFs(this.#directory, { recursive: false });
      this.#watched = { watcher, inode };
      this.#follow(watcher);
    } catch (error) {
      // It was there a moment ago, and is gone: the next tick looks again.
      if (error instanceof Deno.errors.NotFound) return;
      this.#problem("watch", `cannot be watched and is read every second instead: ${errorText(error)}`);
    }
  }

  async #follow(watcher: Deno.FsWatcher): Promise<void> {
    try {
      for await (const _ of watcher) await this.#read({ mayBeWritten: true });
    } catch {
      // The next tick watches again.
      if (this.#watched?.watcher === watcher) this.#unwatch();
    }
  }

  #unwatch(): void {
    try {
      this.#watched?.watcher.close();
    } catch {
      // It had ended by itself.
    }
    this.#watched = undefined;
  }

  #absent(): void {
    if (this.#reported.content === ABSENT) return;
    this.#reported.content = ABSENT;
    this.#options.onAbsent(`There is no control file ${this.#options.path}: ${ABSENT}`);
  }

  #problem(about: "content" | "watch", what: string): void {
    if (what === this.#reported[about]) return;
    this.#reported[about] = what;
    this.#options.onProblem(`The control file ${this.#options.path} ${what}; the agent stays as it is`);
  }
}

async function readStart(path: string): Promise<string> {
  // A pipe would make the read wait for a writer for ever.
  if (!(await Deno.stat(path)).isFile) throw new Error("it is not a file");
  using file = await Deno.open(path);
  const buffer = new Uint8Array(MAX_BYTES);
  const length = await file.read(buffer) ?? 0;
  return new TextDecoder().decode(buffer.subarray(0, length));
}
