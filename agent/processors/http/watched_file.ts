import { errorText, UsageError } from "../../errors.ts";
import { readFileNow } from "../../lib/read_file.ts";
import { systemClock } from "../../lib/clock.ts";
import type { ProcessorLog } from "../processor.ts";

/** The most that is read of such a file, in bytes. */
const MAX_BYTES = 1024 * 1024;
/** A file is looked at again after this time, in milliseconds. */
const LOOK_EVERY_MS = 1000;

/** What a file is, and how it becomes a value. */
export interface FileKind<T> {
  /** The setting that names it. */
  variable: string;
  /** Throws an error whose message is a clause: "is empty: ...". */
  parse(content: string): T;
  /** Ends a value that another has taken the place of. */
  end?(value: T): void;
}

/**
 * The value of a file that may change while the agent runs, such as a mounted secret. If the new content cannot be used,
 * the value stays as it was.
 */
export class WatchedFile<T> {
  readonly #path: string;
  readonly #kind: FileKind<T>;
  #content = "";
  #value: T;
  #lookedAtMs = -Infinity;
  #reading: Promise<void> | undefined;

  private constructor(path: string, kind: FileKind<T>, content: string) {
    this.#path = path;
    this.#kind = kind;
    this.#content = content;
    this.#value = kind.parse(content);
    this.#lookedAtMs = systemClock.monotonicMs();
  }

  /**
   * Reads the file for the first time; undefined without a path.
   *
   * @throws {UsageError} If it cannot be read or used.
   */
  static async open<T>(path: string | undefined, kind: FileKind<T>): Promise<WatchedFile<T> | undefined> {
    if (path === undefined) return undefined;
    const named = `${kind.variable} names ${JSON.stringify(path)}, which`;
    let content: string;
    try {
      content = await readFileNow(path, MAX_BYTES);
    } catch (error) {
      const why = errorText(error);
      throw new UsageError(`${named} cannot be read (${why}): check the path and the mount`, {
        cause: error,
      });
    }
    try {
      return new WatchedFile(path, kind, content);
    } catch (error) {
      throw new UsageError(`${named} cannot be used: it ${errorText(error)}`, { cause: error });
    }
  }

  /** The value as it is now. It is looked for anew once a second at most, and only by one caller. */
  async value(log: Pick<ProcessorLog, "warn">): Promise<T> {
    if (systemClock.monotonicMs() - this.#lookedAtMs >= LOOK_EVERY_MS) {
      this.#lookedAtMs = systemClock.monotonicMs();
      this.#reading = this.#read(log);
    }
    await this.#reading;
    return this.#value;
  }

  async #read(log: Pick<ProcessorLog, "warn">): Promise<void> {
    let content: string;
    try {
      content = await readFileNow(this.#path, MAX_BYTES);
    } catch {
      // A mounted secret is missing for an instant while it is replaced.
      return;
    }
    if (content === this.#content) return;
    this.#content = content;
    try {
      const old = this.#value;
      this.#value = this.#kind.parse(content);
      this.#kind.end?.(old);
    } catch (error) {
      log.warn(
        `${this.#kind.variable} has changed and cannot be used, so the old content stays in use: mend the file`,
        {
          error,
        },
      );
    }
  }
}
