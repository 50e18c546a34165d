import { systemClock } from "../../agent/lib/clock.ts";
import { sleep } from "../../agent/lib/deadline.ts";
import { terminalSize, writeToTerminal } from "../terminal.ts";
import type { Size } from "./screen_lines.ts";

/** The alternate screen, without cursor and without wrapped lines: what was on the terminal before stays as it was. */
const ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J";
const LEAVE = "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";
/** The terminal shows what is between these at once, if it can: nothing flickers. */
const [BEGIN, END] = ["\x1b[?2026h", "\x1b[?2026l"];
/** At the end the terminal has this long to take the last bytes, in milliseconds. */
const LEAVE_LIMIT_MS = 500;

/** A terminal that shows lines in place, and is as it was before once it is left, also if the process fails. */
export class Screen {
  /** What each line of the terminal shows. */
  #shown: string[] = [];
  #wanted: string[] | undefined;
  #writing: Promise<void> | undefined;
  #isOpen = false;
  readonly #hasKeys = Deno.stdin.isTerminal();
  readonly #onFailure: (error: unknown) => void;

  /** @param onFailure is called if the terminal cannot be written any more */
  constructor(onFailure: (error: unknown) => void) {
    this.#onFailure = onFailure;
  }

  /** How large it is now. */
  get size(): Size {
    return terminalSize() ?? { columns: 80, rows: 24 };
  }

  /** Takes the terminal. */
  open(): void {
    this.#isOpen = true;
    // The terminal is put back, also if the process fails.
    for (const event of ["unload", "error", "unhandledrejection"]) {
      globalThis.addEventListener(event, () => this.#leaveNow());
    }
    if (this.#hasKeys) Deno.stdin.setRaw(true);
    this.#writing = writeToTerminal(ENTER).catch(this.#onFailure).finally(() => this.#written());
  }

  /** Calls `listener` when its size changes: all lines are written anew then. */
  onResize(listener: () => void): void {
    Deno.addSignalListener("SIGWINCH", () => {
      this.forget();
      listener();
    });
  }

  /** Nothing is known any more of what it shows. */
  forget(): void {
    this.#shown = [];
  }

  /** Shows lines. Those that it shows already are not written; if it is slow, only the last ones are. */
  show(lines: readonly string[]): void {
    this.#wanted = [...lines];
    if (this.#writing === undefined) this.#written();
  }

  /** Puts the terminal back. Never throws. */
  async leave(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#putBack();
    const written = (this.#writing ?? Promise.resolve()).then(() => writeToTerminal(LEAVE)).catch(() => {});
    await Promise.race([written, sleep(systemClock, LEAVE_LIMIT_MS)]);
  }

  /** The keys, as the terminal sends them, until it ends. There are none if standard input is no terminal. */
  async *sent(): AsyncGenerator<string> {
    if (!this.#hasKeys) return;
    const [bytes, decoder] = [new Uint8Array(4096), new TextDecoder()];
    for (;;) {
      const count = await Deno.stdin.read(bytes).catch(() => null);
      if (count === null) return;
      yield decoder.decode(bytes.subarray(0, count), { stream: true });
    }
  }

  /** Whether there are keys. */
  get hasKeys(): boolean {
    return this.#hasKeys;
  }

  #written(): void {
    this.#writing = undefined;
    const lines = this.#wanted;
    this.#wanted = undefined;
    if (lines === undefined || !this.#isOpen) return;
    const isNew = this.#shown.length !== lines.length;
    const changed = lines.flatMap((line, index) =>
      isNew || line !== this.#shown[index] ? [`\x1b[${index + 1};1H${line}\x1b[K`] : []
    );
    this.#shown = lines;
    if (changed.length === 0) return;
    const text = `${BEGIN}${changed.join("")}${isNew ? "\x1b[J" : ""}${END}`;
    this.#writing = writeToTerminal(text).catch(this.#onFailure).finally(() => this.#written());
  }

  #leaveNow(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#putBack();
    try {
      Deno.stdout.writeSync(new TextEncoder().encode(LEAVE));
    } catch {
      // There is no terminal any more.
    }
  }

  #putBack(): void {
    try {
      if (this.#hasKeys) Deno.stdin.setRaw(false);
    } catch {
      // There is no terminal any more.
    }
  }
}
