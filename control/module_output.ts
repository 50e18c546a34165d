import { errorText } from "../agent/errors.ts";
import type { Events } from "../agent/events.ts";
import { builtins } from "../agent/lib/builtin_watch.ts";
import { frameIn } from "../agent/processors/frame.ts";
import type { ForeignLog } from "../agent/processors/foreign_log.ts";
import type { GroupedLog } from "../agent/telemetry/grouped_log.ts";
import { eventLine } from "../agent/telemetry/line_kind.ts";
import type { Fields, Level, Logger } from "../agent/telemetry/logger.ts";
import { remarks } from "../agent/telemetry/remarks.ts";
import { ModuleConsole } from "./module_console.ts";

/** This much is kept until there is a log. */
const MAX_KEPT = 1000;

/** What a {@linkcode ModuleOutput} is passed on to. */
interface Takers {
  log: Logger;
  /** The same log, for what may come by the thousand. */
  grouped: GroupedLog;
  events: Events;
  /** The `PROCESSOR` setting: for an error that no code caught, the place in that module is named. */
  processor: string;
}

type Said = { level: Level; text: string; fields: Fields } | { stray: unknown; isPromise: boolean };

/**
 * The output of a user's module besides its results, from the moment it is loaded: what it prints on the console, and
 * errors that no code caught. A promise or a timer that the module left behind must not make other documents fail, and
 * a print must not wait for a reader of standard output: both go into the log.
 */
export class ModuleOutput implements ForeignLog {
  readonly #console = new ModuleConsole((level, text) => this.write(level, text, { source: "console" }));
  readonly #kept: Said[] = [];
  #tell: ((said: Said) => void) | undefined;
  #isTelling = false;

  /** Takes over the console and the errors that no code catches. */
  constructor() {
    globalThis.addEventListener("unhandledrejection", (event) => {
      event.preventDefault();
      builtins.afterFailure();
      this.#say({ stray: event.reason, isPromise: true });
    });
    globalThis.addEventListener("error", (event) => {
      event.preventDefault();
      builtins.afterFailure();
      this.#say({ stray: event.error ?? event.message, isPromise: false });
    });
  }

  /**
   * Passes on the output so far, and from now on at once.
   */
  handTo({ log, grouped, events, processor }: Takers): void {
    const file = fileOf(processor);
    this.#tell = (said) => {
      if ("stray" in said) {
        const { stray: error, isPromise } = said;
        const frame = file === undefined ? undefined : frameIn(error, file);
        const at = frame && `${frame.file}:${frame.line}`;
        events.emit({ type: "unhandled_error", error, isPromise, at });
      } else if (said.fields.source === undefined) {
        // What the agent says of a program or a service, which may come for each document.
        const { fields, level, text } = said;
        grouped.report(eventLine(level, text), { error: fields.error, fields: () => fields });
      } else log.write(said.level, said.text, said.fields);
    };
    for (const said of this.#kept.splice(0)) this.#say(said);
  }

  /** Logs a line of a processor, as soon as there is a log. */
  write(level: Level, text: string, fields: Fields = {}): void {
    this.#say({ level, text, fields });
  }

  /**
   * Gives the console back if the agent did not start, and prints on standard error what no log has taken. An agent
   * that has started keeps the console to its end: otherwise a print of the module would wait for a reader.
   */
  giveBack(): void {
    if (this.#tell) return;
    this.#console.giveBack();
    for (const said of this.#kept.splice(0)) {
      remarks.say("stray" in said ? strayText(said) : said.text);
    }
  }

  #say(said: Said): void {
    // The handler of an error may fail as well: to report that would never end.
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

function strayText({ stray, isPromise }: { stray: unknown; isPromise: boolean }): string {
  const what = isPromise ? "a promise that was not awaited has failed" : "an error that no code caught";
  return `${what}: ${errorText(stray)}`;
}

/** The file that the processor was loaded from; undefined if it is built in. */
function fileOf(processor: string): string | undefined {
  if (!processor.startsWith("module:")) return undefined;
  const path = processor.slice("module:".length);
  try {
    return Deno.realPathSync(path);
  } catch {
    return path;
  }
}
