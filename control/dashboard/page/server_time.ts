/** So many answers are compared. */
const COMPARED = 10;
/** How far the browser's clock is behind the server's by each of the last answers, in milliseconds: at least, as they age. */
let behindMs: number[] = [];
let learntFrom: string | undefined;

/**
 * Learns the server's clock from an answer, once for each: ages are those that the server would tell.
 *
 * @param source what tells this answer from the one before
 */
export function learnServerTime(now: Date, source: string): void {
  if (source === learntFrom) return;
  learntFrom = source;
  behindMs = [...behindMs, now.getTime() - Date.now()].slice(-COMPARED);
}

/** Now, by the server's clock as far as it is known. */
export function serverNow(): number {
  return Date.now() + (behindMs.length === 0 ? 0 : Math.max(...behindMs));
}
