import { errorText } from "../agent/errors.ts";
import type { Clock } from "../agent/lib/clock.ts";
import { isNotFound, readFileNow } from "../agent/lib/read_file.ts";
import { DirectoryWatch } from "./directory_watch.ts";

/** What the file may ask for. */
type FileCommand = "pause" | "resume";

/** The file is checked this often even if the watcher reports nothing, in milliseconds. */
const LOOK_EVERY_MS = 250;
/**
 * The file is read with at least every fourth check: after two writes within one tick of the file system's clock it
 * looks unchanged.
 */
const LOOKS_A_READING = 4;
/** A file that is missing or empty for longer than this is not just being written, in milliseconds. */
const ODD_AFTER_MS = 750;
const ABSENT = "signals and commands pause and resume, and the agent stays as it is";
/** The most that is read of it, in bytes: more than either word needs. */
const MAX_BYTES = 256;

/**
 * Follows the file into which operators write `pause` or `resume`.
 *
 * A ConfigMap changes by a swap of a symbolic link beside the file, so the directory is watched, not the file. The
 * watcher only makes it quick: events get lost, a recreated directory reports nothing, and a node may have run out of
 * watches. The agent relies on a check of the file four times a second, and on reading it once a second.
 */
export class ControlFile implements AsyncDisposable {
  readonly #options: ControlFileOptions;
  readonly #watch: DirectoryWatch;
  #last: FileCommand | undefined;
  #reported = "";
  #looks = 0;
  #missingSinceMs: number | undefined;
  #emptySinceMs: number | undefined;
  /** What was known of the file when it was last read. */
  #stamp: string | undefined;
  #cancelLook: (() => void) | undefined;
  #looking: Promise<void> | undefined;
  #isLooking = false;
  /** Something has changed during a check, perhaps too early for the check to see it. */
  #lookAgain = false;
  #isStarted = false;
  #stopped = false;

  constructor(options: ControlFileOptions) {
    this.#options = options;
    const directory = options.path.replace(/\/[^/]*$/, "") || (options.path.startsWith("/") ? "/" : ".");
    this.#watch = new DirectoryWatch(directory, () => this.#lookNow());
  }

  /** Reads the file once and follows it from then on. Never throws. */
  async start(): Promise<void> {
    await (this.#looking = this.#look());
    this.#isStarted = true;
  }

  /** Stops following; resolves once nothing is under way any more. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelLook?.();
    this.#watch.stop();
    await this.#looking;
  }

  /** Stops, and closes the watcher as well: for a process that goes on, and whose directory never held a pipe. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.#watch.close();
  }

  #lookNow(): void {
    if (this.#stopped) return;
    this.#lookAgain = true;
    if (this.#isLooking) return;
    this.#cancelLook?.();
    this.#looking = this.#look();
  }

  async #look(): Promise<void> {
    this.#isLooking = true;
    do {
      this.#lookAgain = false;
      this.#watch.start();
      await this.#lookSafely();
    } while (this.#lookAgain && !this.#stopped);
    this.#isLooking = false;
    if (this.#stopped) return;
    this.#cancelLook = this.#options.clock.after(LOOK_EVERY_MS, () => this.#looking = this.#look());
  }

  async #lookSafely(): Promise<void> {
    try {
      await this.#lookOnce();
    } catch (error) {
      // If one check fails, the next one comes, and reads the file.
      this.#stamp = undefined;
      this.#problem(`cannot be followed: ${errorText(error)}`);
    }
  }

  async #lookOnce(): Promise<void> {
    let content: string;
    try {
      const stamp = stampOf(await Deno.stat(this.#options.path));
      const isKnown = stamp === this.#stamp && this.#looks++ % LOOKS_A_READING !== 0;
      if (isKnown || this.#stopped) return;
      this.#stamp = stamp;
      content = (await readFileNow(this.#options.path, MAX_BYTES)).trim();
    } catch (error) {
      this.#stamp = undefined;
      if (!isNotFound(error)) {
        this.#problem(`cannot be read: ${errorText(error)}`);
      } else {
        this.#missingSinceMs ??= this.#options.clock.monotonicMs();
        if (this.#isOdd(this.#missingSinceMs)) this.#absent();
      }
      return;
    }
    if (this.#stopped) return;
    this.#missingSinceMs = undefined;
    this.#follow(content);
  }

  #follow(content: string): void {
    const command = content.toLowerCase();
    if (content === "") {
      // It may be about to be written: the next check reads it again. At the start all is reported at once.
      this.#stamp = undefined;
      this.#emptySinceMs ??= this.#options.clock.monotonicMs();
      if (!this.#isStarted || this.#isOdd(this.#emptySinceMs)) {
        this.#problem("is empty: write pause or resume into it");
      }
      return;
    }
    this.#emptySinceMs = undefined;
    if (command === "pause" || command === "resume") {
      // If a command could not be carried out, the next reading repeats it.
      if (command !== this.#last) this.#obey(command);
      this.#last = command;
      this.#reported = "";
    } else {
      this.#problem(`says ${JSON.stringify(content.slice(0, 40))}: write pause or resume into it`);
    }
  }

  #isOdd(sinceMs: number): boolean {
    return this.#options.clock.monotonicMs() - sinceMs >= ODD_AFTER_MS;
  }

  #obey(command: FileCommand): void {
    const { gate } = this.#options;
    if (command === "pause") gate.pause("file");
    else gate.resume("file");
  }

  #absent(): void {
    if (this.#reported === ABSENT) return;
    this.#reported = ABSENT;
    this.#options.log.info(`There is no control file ${this.#options.path}: ${ABSENT}`);
  }

  #problem(what: string): void {
    if (what === this.#reported) return;
    this.#reported = what;
    this.#options.log.warn(`The control file ${this.#options.path} ${what}; the agent stays as it is`);
  }
}

/** What a {@linkcode ControlFile} needs. */
export interface ControlFileOptions {
  clock: Clock;
  path: string;
  /** Follows each change of what the file asks for. */
  gate: { pause(source: "file"): void; resume(source: "file"): void };
  /** Warns once of each odd thing about the file, and logs once that there is none, which is normal. */
  log: { warn(message: string): void; info(message: string): void };
}

/** What changes when a file is written or replaced. */
function stampOf({ dev, ino, size, mtime, ctime }: Deno.FileInfo): string {
  return [dev, ino, size, mtime?.getTime(), ctime?.getTime()].join();
}
