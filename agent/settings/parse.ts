/**
 * Parsers of settings. Each takes the text of an environment variable and returns its value, or throws an `Error`
 * whose message completes the sentence "NAME is "text": ...".
 */

import { isIP } from "node:net";
import { byteLength } from "../text/utf8.ts";

/** A parser with the range it accepts in words, for the documentation. */
export interface Parser<T> {
  (text: string): T;
  /** What is accepted, as in "a whole number from 1 to 10000". */
  readonly accepts: string;
  /** Writes a value so that people recognise it, and so that the same value is parsed from it. */
  format(value: T): string;
}

const UNITS_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A duration in milliseconds: seconds as a plain number (`5`, `0.5`), or with a unit (`500ms`, `2m`, `1h`). */
export function duration(minMs: number, maxMs: number): Parser<number> {
  const accepts = `a duration from ${formatDuration(minMs)} to ${formatDuration(maxMs)}`;
  return parser(accepts, (text) => {
    const match = /^(\d+(?:\.\d+)?|\.\d+)\s*(ms|s|m|h|d)?$/.exec(text);
    const valueMs = match ? Number(match[1]) * UNITS_MS[match[2] ?? "s"]! : NaN;
    if (!(valueMs >= minMs && valueMs <= maxMs)) {
      throw new Error(`must be ${accepts}, in seconds as 5 or with a unit as 500ms, 30s, 2m`);
    }
    return Math.round(valueMs);
  }, formatDuration);
}

/** The shortest exact text of a duration: `5s`, `500ms`, `2m`. */
export function formatDuration(valueMs: number): string {
  for (const unit of ["d", "h", "m", "s"]) {
    if (valueMs > 0 && valueMs % UNITS_MS[unit]! === 0) return `${valueMs / UNITS_MS[unit]!}${unit}`;
  }
  return valueMs === 0 ? "0" : `${valueMs}ms`;
}

/** A whole number within bounds. */
export function integer(min: number, max: number): Parser<number> {
  const accepts = `a whole number from ${min} to ${max}`;
  return parser(accepts, (text) => {
    const value = /^[+-]?\d+$/.test(text) ? Number(text) : NaN;
    if (!(value >= min && value <= max)) throw new Error(`must be ${accepts}`);
    return value;
  });
}

/** A whole number within bounds, or a word, in upper or lower case. */
export function integerOr<const Word extends string>(
  word: Word,
  min: number,
  max: number,
): Parser<number | Word> {
  const number = integer(min, max);
  const accepts = `${number.accepts}, or ${word}`;
  return parser<number | Word>(accepts, (text) => {
    if (text.toLowerCase() === word) return word;
    try {
      return number(text);
    } catch {
      throw new Error(`must be ${accepts}`);
    }
  });
}

/** One of several words, in upper or lower case. */
export function choice<const T extends readonly string[]>(...words: T): Parser<T[number]> {
  const accepts = words.join(", ");
  return parser(accepts, (text) => {
    const found = words.find((word) => word.toLowerCase() === text.toLowerCase());
    if (found === undefined) throw new Error(`must be one of ${accepts}`);
    return found;
  });
}

/** Yes or no, in the words people use for it. */
export const boolean: Parser<boolean> = parser("true or false", (text) => {
  if (/^(true|yes|on|1)$/i.test(text)) return true;
  if (/^(false|no|off|0)$/i.test(text)) return false;
  throw new Error("must be true or false");
});

/** Any text; `accepts` says what the text means. */
export function text(accepts: string): Parser<string> {
  return parser(accepts, (value) => value);
}

/** The longest name of a database that a server takes, in bytes. */
const MAX_DATABASE_BYTES = 63;
/** Databases that a server keeps for itself. */
const SERVERS_OWN = ["admin", "config", "local"];

/** A name of a database, by the rules of a server on Linux (one on Windows takes fewer, and says so itself). */
export const databaseName: Parser<string> = parser("a database name", (value) => {
  if (/[ /\\."$\0]/.test(value) || byteLength(value) > MAX_DATABASE_BYTES) {
    throw new Error(
      `must be a database name: at most ${MAX_DATABASE_BYTES} bytes, without spaces and without / \\ . " $`,
    );
  }
  if (SERVERS_OWN.includes(value)) {
    throw new Error("is a database of the server's own: name the one that holds your documents");
  }
  return value;
});

/** A name of a collection, by MongoDB's rules. */
export const collectionName: Parser<string> = parser("a collection name", (value) => {
  if (/[$\0]|^\.|(^|\.)system\./.test(value)) {
    throw new Error(
      `must be a collection name: without $, without "system." and no dot at its start`,
    );
  }
  return value;
});

/** Names of collections, with commas or spaces between them; the word `none` for an empty list. */
export const collectionNames: Parser<readonly string[] | undefined> = parser(
  "names of collections with commas between them, or none",
  (value) => {
    if (/^none$/i.test(value)) return [];
    const found = value.split(/[\s,]+/).filter((name) => name !== "");
    if (found.length === 0) {
      throw new Error("names no collection: write names, with commas between them, or none");
    }
    for (const name of found) {
      try {
        collectionName(name);
      } catch (error) {
        throw new Error(`${JSON.stringify(name)} ${(error as Error).message}`, { cause: error });
      }
    }
    return [...new Set(found)];
  },
  (list) => list === undefined ? "(any)" : list.length === 0 ? "none" : list.join(","),
);

/** The name is written on every document that is claimed. */
const MAX_AGENT_NAME_BYTES = 256;

/** A name that is short enough to be written on every document. */
export const agentName: Parser<string> = parser(
  `a name of at most ${MAX_AGENT_NAME_BYTES} bytes`,
  (value) => {
    if (byteLength(value) > MAX_AGENT_NAME_BYTES) {
      throw new Error(`must be at most ${MAX_AGENT_NAME_BYTES} bytes: it is written on every document`);
    }
    return value;
  },
);

/** An address of the machine. A name is not taken: which address it stands for may change. */
export const ipAddress: Parser<string> = parser(
  "an IP address, such as 127.0.0.1, 0.0.0.0 or ::",
  (value) => {
    const bare = value.replace(/^\[(.*)\]$/, "$1");
    if (isIP(bare) === 0) throw new Error("must be an IP address, such as 127.0.0.1, 0.0.0.0 or ::");
    return bare;
  },
);

/** Names of variables, with commas or spaces between them. */
export const names: Parser<readonly string[]> = parser(
  "names of variables, with commas between them",
  (value) => {
    const found = value.split(/[\s,]+/).filter((name) => name !== "");
    const wrong = found.find((name) => !/^[A-Za-z_]\w*$/.test(name));
    if (wrong !== undefined) {
      throw new Error(`must be names of variables: ${JSON.stringify(wrong)} is none`);
    }
    return found;
  },
  (list) => list.length === 0 ? "(none)" : list.join(","),
);

/** A query, kept as text: the store parses it, because the parser needs the driver, which no probe must load. */
export const query: Parser<string> = parser("an object in Extended JSON", (value) => value);

/** Makes a parser of a function, of what it accepts in words, and of how a value is written. */
export function parser<T>(
  accepts: string,
  parse: (text: string) => T,
  format: (value: T) => string = String,
): Parser<T> {
  return Object.assign((text: string) => parse(text), { accepts, format });
}
