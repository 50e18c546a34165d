import { OperationTimeoutError } from "./connection/operation_timeout.ts";
import { isOutOfTime, writtenOutOfTime } from "./mongo_errors.ts";

/** The server gives up a grouped write after a part of the time after which it counts as silent, ... */
const LIMIT_SHARE = 0.3;
/** ... and after this long at most, in milliseconds: far more than the write takes if no document is locked. */
const MAX_LIMIT_MS = 1000;
/** When the server gives up a grouped write, in milliseconds. */
export function writeLimitMs(socketMs: number): number {
  return Math.round(Math.min(MAX_LIMIT_MS, LIMIT_SHARE * socketMs));
}

/** Documents could not be written in time. */
export class LockedDocumentsError extends OperationTimeoutError {
  override readonly name = "LockedDocumentsError";

  /** @param cause What the driver threw. */
  constructor(documents: number, cause: unknown) {
    const what = documents === 1 ? "a document" : `${documents} documents`;
    super(`MongoDB did not write ${what} in time: an open transaction of another program may hold a lock`);
    this.cause = cause;
  }
}

/** Whether the server gave a write up before it was whole: a lock is in its way, or the server is slow. */
export function isGivenUp(error: unknown): boolean {
  return isOutOfTime(error) && writtenOutOfTime(error) === undefined;
}

/**
 * Sends a write that the server gives up after `limitMs`, as a transaction of another program may hold one of the
 * documents: the others must not wait for its end. Returns how many documents it matched.
 *
 * The limit is not meant for a majority that is slow. Such a write is made, and is sent again under `longLimitMs`: if it
 * stands it matches nothing more, and the answer says that a majority has it.
 *
 * @throws What the driver throws; {@linkcode isGivenUp} tells that a part may be written.
 */
export async function writeWithin(
  limitMs: number,
  send: (limit: { maxTimeMS?: number }) => Promise<{ matchedCount: number }>,
  { longLimitMs, onUnconfirmed }: { longLimitMs?: number; onUnconfirmed?: () => void } = {},
): Promise<number> {
  try {
    return (await send({ maxTimeMS: limitMs })).matchedCount;
  } catch (error) {
    const matched = writtenOutOfTime(error);
    if (matched === undefined) throw error;
    onUnconfirmed?.();
    const again = await send(longLimitMs === undefined ? {} : { maxTimeMS: longLimitMs });
    return Math.max(matched, again.matchedCount);
  }
}
