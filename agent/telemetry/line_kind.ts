import type { Level } from "./logger.ts";

/** A line of the log that may come often, and how it is written then. */
export interface LineKind {
  readonly level: Level;
  readonly message: string;
  readonly pace: Pace;
}

/** How often lines of one kind are written. Those that are not are gathered in one line for each kind of error. */
export interface Pace {
  /** What is not written at once is gathered for so long, in milliseconds. */
  readonly everyMs: number;
  /** So many lines with one kind of error are written at once in this time. */
  readonly atOnce: number;
  /** It goes on until it is over: only its beginning is written at once. */
  readonly lasts?: true;
  /** The line names so many documents; as soon as it has so many, it is written. */
  readonly ids?: number;
}

const MINUTE_MS = 60_000;

const PACES = {
  event: { everyMs: MINUTE_MS, atOnce: 5 },
  failure: { everyMs: MINUTE_MS, atOnce: 2, lasts: true },
  sum: { everyMs: 5000, atOnce: 0 },
  // A drain releases all that it holds at once.
  naming: { everyMs: 1000, atOnce: 0, ids: 100 },
} as const satisfies Record<string, Pace>;

/** What happens to documents one by one, and may happen to thousands: the first lines of a minute are written in full. */
export function eventLine(level: Level, message: string): LineKind {
  return { level, message, pace: PACES.event };
}

/** An operation that fails until it succeeds again: its beginning is written, and what followed once a minute. */
export function failureLine(level: Level, message: string): LineKind {
  return { level, message, pace: PACES.failure };
}

/** What is only counted: enough to see it, and not so much that it hides the rest. */
export function sumLine(level: Level, message: string): LineKind {
  return { level, message, pace: PACES.sum };
}

/** What names every document that it is about, in lines of a hundred. */
export function namingLine(level: Level, message: string): LineKind {
  return { level, message, pace: PACES.naming };
}
