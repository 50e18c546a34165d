/** How severe a line is. */
type Level = "DEBUG" | "INFO" | "WARNING" | "ERROR";

/** Takes lines that code other than the agent's writes, and that belong to no document. Never throws, never waits. */
export interface ForeignLog {
  write(level: Level, text: string, fields?: Record<string, unknown>): void;
}

/** Writes nothing, for callers that only look at a processor. */
export const SILENT: ForeignLog = { write: () => {} };
