import { Console } from "node:console";
import { Writable } from "node:stream";
import type { Level } from "../agent/telemetry/logger.ts";

/** How severe what is printed by a function of the console is; by any other it is `INFO`. */
const LEVELS: Record<string, Level> = {
  debug: "DEBUG",
  warn: "WARNING",
  error: "ERROR",
  assert: "ERROR",
  trace: "DEBUG",
};

/**
 * The console of a user's module: what it prints goes to the agent instead of standard output, where it would stand between
 * the agent's lines, and would wait for a reader. The agent itself prints nothing by the console.
 */
export class ModuleConsole {
  readonly #original = { ...console };
  #level: Level = "INFO";

  /** Takes over the console, before a module is loaded. */
  constructor(onPrint: (level: Level, text: string) => void) {
    const stream = new Writable({
      decodeStrings: false,
      write: (text, _, done) => {
        onPrint(this.#level, String(text).replace(/\n$/, ""));
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

  /** Gives the console back. */
  giveBack(): void {
    Object.assign(console, this.#original);
  }
}
