import type { Clock } from "../../lib/clock.ts";
import type { ForeignLog } from "../foreign_log.ts";

/** So many lines are logged in a second; the others are counted. */
const MAX_LINES = 200;
const WINDOW_MS = 1000;

/** A line is logged up to this length, in UTF-16 units. */
const MAX_LENGTH = 4000;

/**
 * What programs write on standard error, as lines of the log. A program that writes without end can neither fill the
 * log nor push the agent's own lines out of it.
 */
export class SaidLines {
  readonly #clock: Clock;
  readonly #log: ForeignLog;
  #count = 0;
  /** Takes back the end of the second that is under way. */
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, log: ForeignLog) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Logs a line of the program with the number `pid`. */
  say(text: string, pid: number): void {
    this.#open();
    this.#count += 1;
    if (this.#count > MAX_LINES) return;
    const shown = text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}...` : text;
    this.#log.write("INFO", shown, { source: "stderr", pid });
  }

  /** Begins a second, if none is under way. */
  #open(): void {
    this.#cancel ??= this.#clock.after(WINDOW_MS, () => this.close(), { isBackground: true });
  }

  /** Ends the second that is under way, and logs how many lines were left out. */
  close(): void {
    const left = this.#count - MAX_LINES;
    this.#cancel?.();
    this.#cancel = undefined;
    this.#count = 0;
    if (left <= 0) return;
    this.#log.write("WARNING", "The program wrote more lines on standard error than are logged in a second", {
      lines: left,
      logged: MAX_LINES,
    });
  }
}
