/**
 * A log of a processor's that keeps its lines.
 *
 * @module
 */

import type { ForeignLog } from "../../agent/processors/foreign_log.ts";
import type { Fields, Level } from "../../agent/telemetry/logger.ts";

/** A line of {@linkcode recordedForeignLog}. */
export interface ForeignLine {
  level: Level;
  text: string;
  fields: Fields | undefined;
}

/** A log that keeps its lines. */
export function recordedForeignLog(): ForeignLog & { readonly lines: ForeignLine[] } {
  const lines: ForeignLine[] = [];
  return { lines, write: (level, text, fields) => void lines.push({ level, text, fields }) };
}
