import { Console } from "node:console";
import { Writable } from "node:stream";
import { errorText } from "../agent/errors.ts";
import type { Events } from "../agent/events.ts";
import { secrets } from "../agent/redact.ts";
import type { Level, Logger } from "../agent/telemetry/logger.ts";

/** How severe what is printed by a function of the console is; by any other it is `INFO`. */
const LEVELS: Record<string, Level> = {
  debug: "DEBUG",
  warn: "WARNING",
  error: "ERROR",
  assert: "ERROR",
  trace: "DEBUG",
};

/** Kept until there is a log, at the most. */
const MAX_KEPT = 1000;

type Said = { level: Level; text: string } | { stray: unknown };

/**
 * What a user's module says besides its results, from the moment it is loaded: what it prints on the console, and errors
 * that no code caught. A promise or a timer that it left behind must not take the others' documents down, and a print
 * must not wait for a reader of standard output: both go into the log.
 */
export class ModuleOutput {
  readonly #original = { ...console };
  readonly #kept: Said[] = [];
  #tell: ((said: Said) => void) | undefined;
  #level: Level = "INFO";
  #isTelling = false;

  /** Takes over the console and the errors that no code catches. */
  constructor() {
    this.#takeConsole();
    globalThis.addEventListener("unhandledrejection", (event) => {
      event.preventDefault();
      this.#say({ stray: event.reason });
    });
    globalThis.addEventListener("error", (event) => {
      event.preventDefault();
      this.#say({ stray: event.error ?? event.message });
    });
  }

  /** Passes on what was said so far, and from now on at once. */
  handTo(log: Logger, events: Events): void {
    this.#tell = (said) => {
      if ("stray" in said) events.emit({ type: "stray_error", error: said.stray });
      else log.write(said.level, said.text, { source: "console" });
    };
    for (const said of this.#kept.splice(0)) this.#say(said);
  }

  /**
   * Gives the console back, and prints on standard error what no log has taken, if the agent did not start. One that has
   * started keeps the console to its end: a print of the module's would wait for a reader.
   */
  giveBack(): void {
    if (this.#tell) return;
    Object.assign(console, this.#original);
    for (const said of this.#kept.splice(0)) {
      const text = "stray" in said ? `an error that no code caught: ${errorText(said.stray)}` : said.text;
      console.error(secrets.text(text));
    }
  }

  #takeConsole(): void {
    const stream = new Writable({
      decodeStrings: false,
      write: (text, _, done) => {
        this.#say({ level: this.#level, text: String(text).replace(/\n$/, "") });
        done();
      },
    });
    // It formats, counts, groups and draws tables as the one of the runtime does, which writes and waits.
    const collecting = new Console({ stdout: stream, stderr: stream, colorMode: false });
    const functions = collecting as unknown as Record<string, unknown>;
    for (const name of Object.keys(console)) {
      const print = functions[name];
      if (typeof print !== "function" || name === "Console") continue;
      const taken = (...args: unknown[]) => {
        this.#level = LEVELS[name] ?? "INFO";
        print.apply(collecting, args);
      };
      Object.assign(console, { [name]: taken });
    }
  }

  #say(said: Said): void {
    // What hears of an error may fail as well: telling of that would never end.
    if (this.#isTelling) return;
    this.#isTelling = true;
    try {
      this.#pass(said);
    } finally {
      this.#isTelling = false;
    }
  }

  #pass(said: Said): void {
    if (this.#tell) this.#tell(said);
    else if (this.#kept.length < MAX_KEPT) this.#kept.push(said);
  }
}
