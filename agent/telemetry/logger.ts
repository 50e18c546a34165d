import { ConsoleHandler } from "@std/log/console-handler";
import { Logger as StdLogger } from "@std/log/logger";
import { type LevelName, LogLevels } from "@std/log/levels";
import type { LogRecord } from "@std/log/logger";

/** How severe a line is: the words of `LOG_LEVEL`. */
export type Level = "DEBUG" | "INFO" | "WARNING" | "ERROR";

/** What a line says besides its message. */
export type Fields = Record<string, unknown>;

/** How a {@linkcode Logger} writes. */
export interface LoggerOptions {
  level: Level;
  format: "json" | "text";
  /** Hides secrets; applied to every finished line. */
  redact(text: string): string;
}

const LEVELS: Record<Level, LevelName> = { DEBUG: "DEBUG", INFO: "INFO", WARNING: "WARN", ERROR: "ERROR" };
const WORDS: Record<string, Level> = { DEBUG: "DEBUG", INFO: "INFO", WARN: "WARNING", ERROR: "ERROR" };

/**
 * Writes one line an event to standard output, as JSON for machines or as text for people.
 *
 * The only file that knows `@std/log`, whose last release this is: another logger can take its place here.
 */
export class Logger {
  readonly #std: StdLogger;

  constructor({ level, format, redact }: LoggerOptions) {
    const line = format === "json" ? jsonLine : textLine;
    const formatter = (record: LogRecord) =>
      redact(
        line(
          record.datetime,
          WORDS[record.levelName] ?? "INFO",
          record.msg,
          (record.args[0] ?? {}) as Fields,
        ),
      );
    const handler = new ConsoleHandler(LEVELS[level], { formatter, useColors: false });
    this.#std = new StdLogger("pulling-agent", LEVELS[level], { handlers: [handler] });
  }

  /** Whether lines of this severity are written: for callers that would have to work to make one. */
  writes(level: Level): boolean {
    return LogLevels[LEVELS[level]] >= this.#std.level;
  }

  debug(message: string, fields?: Fields): void {
    this.#std.debug(message, fields);
  }

  info(message: string, fields?: Fields): void {
    this.#std.info(message, fields);
  }

  warn(message: string, fields?: Fields): void {
    this.#std.warn(message, fields);
  }

  error(message: string, fields?: Fields): void {
    this.#std.error(message, fields);
  }
}

function jsonLine(time: Date, level: Level, message: string, fields: Fields): string {
  const head = { time: time.toISOString(), level, message };
  try {
    return JSON.stringify({ ...head, ...plain(fields), ...head });
  } catch {
    // A user's module may hand over what JSON cannot say (a cycle, a BigInt).
    return JSON.stringify({ ...head, fields: Deno.inspect(fields) });
  }
}

function textLine(time: Date, level: Level, message: string, fields: Fields): string {
  const line = `${time.toISOString().slice(11, 23)} ${level.padEnd(7)} ${message}${fieldsText(fields)}`;
  return line.replace(UNPRINTABLE, (character) => ESCAPES[character] ?? codeOf(character));
}

/** What would break a line in two, or let the text of a document command the terminal. */
// deno-lint-ignore no-control-regex
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;
const ESCAPES: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

function codeOf(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

function fieldsText(fields: Fields): string {
  try {
    return Object.entries(plain(fields)).map(([key, value]) => ` ${key}=${textValue(value)}`).join("");
  } catch {
    // A user's module may hand over what cannot even be read.
    return ` fields=${textValue(Deno.inspect(fields))}`;
  }
}

function textValue(value: unknown): string {
  if (typeof value === "string") return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
  try {
    return JSON.stringify(value) ?? "undefined";
  } catch {
    return Deno.inspect(value);
  }
}

/** Errors have no enumerable fields: without this they would be logged as `{}`. */
function plain(fields: Fields): Fields {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    entries.map(([key, value]) => [key, value instanceof Error ? value.message : value]),
  );
}
