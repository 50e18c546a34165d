import { exact, span } from "./format.ts";
import { serverNow } from "./server_time.ts";

/** A time as its distance from now, with the exact one on hover. */
export function Ago({ at }: { at: string | null | undefined }) {
  if (at === null || at === undefined) return <span class="none">–</span>;
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return <span class="none">no date</span>;
  const seconds = (serverNow() - date.getTime()) / 1000;
  const text = Math.abs(seconds) < 1 ? "now" : seconds > 0 ? `${span(seconds)} ago` : `in ${span(-seconds)}`;
  return <time dateTime={at} title={exact(date)}>{text}</time>;
}
