import { Console } from "node:console";
import { Writable } from "node:stream";
import type { Level } from "../agent/telemetry/logger.ts";

/** The severity of lines that a function of the console prints; for any other function it is `INFO`. */
const LEVELS: Record<string, Level> = {
  debug: "DEBUG",
  warn: "WARNING",
  error: "ERROR",
  assert: "ERROR",
  trace: "DEBUG",
};

/**
 * The console of a user's module. Its output goes to the agent's log instead of standard output: there it would come
 * between the agent's lines, and would wait for a reader. The agent itself prints nothing by the console.
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
    // It formats, counts, groups and draws tables like the runtime's console, but that one writes and waits.
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
