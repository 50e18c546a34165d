import { exact, span } from "./format.ts";

/** How far the browser's clock is behind the server's, in milliseconds: ages are those that the server would tell. */
let behindMs = 0;
let learntFrom: string | undefined;

/**
 * Learns the server's clock from an answer, once for each.
 *
 * @param source what tells this answer from the one before
 */
export function learnServerTime(now: Date, source: string): void {
  if (source === learntFrom) return;
  learntFrom = source;
  behindMs = now.getTime() - Date.now();
}

/** Now, by the server's clock as far as it is known. */
export function serverNow(): number {
  return Date.now() + behindMs;
}

/** A time as its distance from now, with the exact one on hover. */
export function Ago({ at }: { at: string | null | undefined }) {
  if (at === null || at === undefined) return <span class="none">–</span>;
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return <span class="none">no date</span>;
  const seconds = (serverNow() - date.getTime()) / 1000;
  const text = Math.abs(seconds) < 1 ? "now" : seconds > 0 ? `${span(seconds)} ago` : `in ${span(-seconds)}`;
  return <time dateTime={at} title={exact(date)}>{text}</time>;
}
