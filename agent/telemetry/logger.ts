import { BaseHandler } from "@std/log/base-handler";
import { Logger as StdLogger } from "@std/log/logger";
import { type LevelName, LogLevels } from "@std/log/levels";
import type { LogRecord } from "@std/log/logger";
import { errorStack, errorText } from "../errors.ts";
import { type Redactor, secrets } from "../text/redact.ts";
import type { LineOutput } from "./line_queue.ts";
import { printable } from "../text/terminal_text.ts";
import { Loggable } from "./loggable.ts";

/** How severe a line is: the words of `LOG_LEVEL`. */
export type Level = "DEBUG" | "INFO" | "WARNING" | "ERROR";

/** The fields of a line, besides its message. */
export type Fields = Record<string, unknown>;

/** One line of JSON or of text per event. */
export type LogFormat = "json" | "text";

const LEVELS: Record<Level, LevelName> = { DEBUG: "DEBUG", INFO: "INFO", WARNING: "WARN", ERROR: "ERROR" };
const WORDS: Record<string, Level> = { DEBUG: "DEBUG", INFO: "INFO", WARN: "WARNING", ERROR: "ERROR" };

/**
 * Writes one line per event, as JSON for machines or as text for people. Never throws: a line that cannot be made is
 * counted as lost.
 *
 * The only file that imports `@std/log`, which gets no further releases: another logger can replace it here.
 */
export class Logger {
  readonly #std: StdLogger;
  readonly #output: LineOutput;

  constructor({ level, format, agent, output, redactor }: LoggerOptions) {
    const handler = new LineHandler(LEVELS[level], { format, agent, output, redactor });
    this.#output = output;
    this.#std = new StdLogger("pulling-agent", LEVELS[level], { handlers: [handler] });
  }

  /** Whether lines of this severity are written: for callers for which it is work to make one. */
  writes(level: Level): boolean {
    return LogLevels[LEVELS[level]] >= this.#std.level;
  }

  debug(message: string, fields?: Fields | Error): void {
    this.write("DEBUG", message, fields);
  }

  info(message: string, fields?: Fields | Error): void {
    this.write("INFO", message, fields);
  }

  warn(message: string, fields?: Fields | Error): void {
    this.write("WARNING", message, fields);
  }

  error(message: string, fields?: Fields | Error): void {
    this.write("ERROR", message, fields);
  }

  /** Writes a line. An error in place of the fields becomes the field `error`, and at DEBUG also `stack`. */
  write(level: Level, message: string, fields: Fields | Error = {}): void {
    try {
      if (!this.writes(level)) return;
      this.#std[METHODS[level]](message, fields instanceof Error ? this.errorFields(fields) : fields);
    } catch (error) {
      this.lose(error);
    }
  }

  /** Counts a line that cannot be made. */
  lose(error: unknown): void {
    this.#output.lose(1, `a line could not be made: ${errorText(error)}`);
  }

  /** An error as a line holds it: its text, and its stack if lines of DEBUG are written. */
  errorFields(error: unknown): Fields {
    return { error: errorText(error), ...(this.writes("DEBUG") && { stack: errorStack(error) }) };
  }
}

/** How a {@linkcode Logger} writes. */
export interface LoggerOptions {
  level: Level;
  format: LogFormat;
  /** Whose lines these are: each line of JSON names it. */
  agent?: string | undefined;
  output: LineOutput;
  /** Hides secrets in the message and in the fields; those of this process by default. */
  redactor?: Redactor | undefined;
}

const METHODS = { DEBUG: "debug", INFO: "info", WARNING: "warn", ERROR: "error" } as const;

/** A finished line of the log, for lines that are written without a {@linkcode Logger}. */
export function logLine(
  format: LogFormat,
  { agent, level, message, fields = {}, time = new Date(), redactor = secrets }: {
    agent?: string | undefined;
    level: Level;
    message: string;
    fields?: Fields;
    time?: Date;
    redactor?: Redactor | undefined;
  },
): string {
  const loggable = new Loggable(redactor);
  const said = loggable.text(message);
  if (format === "text") return textLine(time, level, said, loggable.fields(fields));
  return jsonLine(time, level, said, loggable.fields(agent === undefined ? fields : { agent, ...fields }));
}

/** Hands finished lines to their output. */
class LineHandler extends BaseHandler {
  readonly #output: LineOutput;

  constructor(level: LevelName, { agent, format, output, redactor }: Omit<LoggerOptions, "level">) {
    super(level, {
      formatter: ({ args: [fields], datetime: time, levelName, msg: message }: LogRecord) =>
        logLine(format, {
          agent,
          level: WORDS[levelName] ?? "INFO",
          message,
          fields: fields as Fields,
          time,
          redactor,
        }),
    });
    this.#output = output;
  }

  override log(line: string): void {
    this.#output.add(line);
  }
}

/** Taken at the start: a user's module may replace the global. */
const { stringify } = JSON;

function jsonLine(time: Date, level: Level, message: string, fields: Fields): string {
  const head = { time: time.toISOString(), level, message };
  return printable(stringify({ ...head, ...fields, ...head }));
}

function textLine(time: Date, level: Level, message: string, fields: Fields): string {
  const said = Object.entries(fields).map(([key, value]) => ` ${key}=${textValue(value)}`).join("");
  const line = `${time.toISOString().slice(11, 23)} ${level.padEnd(7)} ${message}${said}`;
  return printable(line);
}

function textValue(value: unknown): string {
  return typeof value === "string" && /^[^\s"=]+$/.test(value) ? value : stringify(value);
}
