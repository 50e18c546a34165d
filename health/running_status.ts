import type { RunningDocument } from "../agent/handling/handler_run.ts";
import { type SafeText, secrets } from "../agent/text/redact.ts";
import { printable } from "../agent/text/terminal_text.ts";

/** Ids are shown up to this length, in UTF-16 units. */
export const MAX_RUNNING_ID = 200;
/** The same for texts. */
const MAX_LENGTH = 200;

/** A document that is being processed, as the status shows it. */
export interface RunningStatus {
  id: SafeText;
  attempt: number;
  since: string;
  /** How far its processor says it is, from 0 to 1. */
  progress?: number;
  /** The same in words. */
  text?: SafeText;
}

/** What a status of the time `at` shows of documents that are being processed. */
export function runningStatus(
  running: readonly RunningDocument[],
  { at, formatId }: { at: string; formatId(id: unknown): string },
): RunningStatus[] {
  const now = Date.parse(at);
  return running.map(({ id, attempt, elapsedMs, progress: { fraction, text } = {} }) => ({
    id: secrets.text(formatId(id), MAX_RUNNING_ID),
    attempt,
    since: new Date(now - elapsedMs).toISOString(),
    ...(fraction !== undefined && { progress: fraction }),
    ...(text !== undefined && { text: secrets.text(printable(text), MAX_LENGTH) }),
  }));
}
