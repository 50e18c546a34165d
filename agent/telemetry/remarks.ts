import { secrets } from "../text/redact.ts";
import { printableLines } from "../text/terminal_text.ts";
import { type ByteSink, LineQueue } from "./line_queue.ts";

/**
 * What a command says of its work, or instead of it. The work does not depend on that: a line is never waited for and
 * never throws, even if its reader has gone, does not read, or has a full disk.
 */
class Remarks {
  readonly #lines: LineQueue;

  constructor(sink: ByteSink) {
    this.#lines = new LineQueue({ sink, lossLine: (lines) => `pulling-agent: ${lines} lines were lost` });
  }

  /** Says a text, without secrets, and without what commands a terminal. */
  say(text: string): void {
    this.#lines.add(printableLines(secrets.text(text)));
  }

  /** Resolves once all is said, or cannot be, or `limitMs` has passed. For the end of the process. */
  async flush(limitMs: number): Promise<void> {
    await this.#lines.flush(limitMs);
  }

  /** Why not all is said; undefined if it is. For the end of the process, after {@linkcode Remarks.flush}. */
  get unwritten(): string | undefined {
    return this.#lines.unwritten;
  }

  /** The same for a process that ends in this moment. */
  flushSync(): void {
    this.#lines.flushSync();
  }
}

/** Remarks on standard error. */
export const remarks = new Remarks(Deno.stderr);

/** Remarks on standard output: that what was asked for is done. */
export const confirmations = new Remarks(Deno.stdout);
