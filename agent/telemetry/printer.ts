import { CommandError } from "../errors.ts";
import { printableLines } from "../text/terminal_text.ts";
import type { ByteSink } from "./line_queue.ts";

/** The command waits for its reader if more than this waits to be printed, in UTF-16 units. */
const MAX_WAITING = 64 * 1024;

const encoder = new TextEncoder();

/**
 * Prints what a command was asked for. Unlike a remark this is the command's work: it waits for a reader that is slow, such
 * as a pager, and fails the command if not all can be written.
 */
export class Printer {
  readonly #sink: ByteSink;
  #waiting = "";
  #writing: Promise<void> | undefined;
  #failure: unknown;

  constructor(sink: ByteSink) {
    this.#sink = sink;
  }

  /**
   * Prints a text and a line break, after what was printed before. No text commands the terminal.
   *
   * @throws {CommandError} If the reader has ended, or what was printed before cannot be written.
   */
  async print(text: string): Promise<void> {
    this.#check();
    this.#waiting += printableLines(text) + "\n";
    this.#writing ??= this.#write();
    if (this.#waiting.length > MAX_WAITING) await this.finish();
  }

  /**
   * Resolves once all is written.
   *
   * @throws {CommandError} If that is not possible.
   */
  async finish(): Promise<void> {
    await this.#writing;
    this.#check();
  }

  #check(): void {
    if (this.#failure === undefined) return;
    const error = this.#failure;
    if (error instanceof Deno.errors.BrokenPipe) {
      throw new CommandError("Not all was printed: the program that reads it has ended", { cause: error });
    }
    const reason = error instanceof Error ? error.message : String(error);
    throw new CommandError(`Not all was printed (${reason}): look at where standard output goes`, {
      cause: error,
    });
  }

  /** Never throws: the next call says what went wrong. */
  async #write(): Promise<void> {
    try {
      while (this.#waiting !== "") {
        const bytes = encoder.encode(this.#waiting);
        this.#waiting = "";
        for (let done = 0; done < bytes.length;) done += await this.#sink.write(bytes.subarray(done));
      }
    } catch (error) {
      this.#failure = error;
    }
    this.#writing = undefined;
  }
}

/** What a command was asked for, on standard output. */
export const answers = new Printer(Deno.stdout);
