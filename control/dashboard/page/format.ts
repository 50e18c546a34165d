import type { Count } from "../../fleet/overview.ts";

const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** A whole number with its thousands apart. */
export function whole(n: number): string {
  return WHOLE.format(n);
}

/** A number of documents; "≥" if counting ended there. */
export function count({ n, capped }: Count): string {
  return `${capped ? "≥ " : ""}${whole(n)}`;
}

/** A number of documents, or as many as are known of one that was not counted in time; null if nothing is known. */
export function countOrMore(known: Count | null, atLeast: number | null): string | null {
  if (known !== null) return count(known);
  return atLeast === null ? null : count({ n: atLeast, capped: true });
}

/** Per second: few digits, but never 0 for what is not. */
export function rate(perSecond: number): string {
  if (perSecond === 0) return "0";
  if (perSecond < 0.01) return "< 0.01";
  if (perSecond < 1) return perSecond.toFixed(2);
  if (perSecond < 100) return perSecond.toFixed(1);
  return whole(perSecond);
}

const UNITS: readonly (readonly [string, number])[] = [["d", 86_400], ["h", 3600], ["min", 60], ["s", 1]];

/** A length of time in at most two units: "14 s", "2 min 5 s", "3 h 20 min", "4 d". */
export function span(seconds: number): string {
  if (!Number.isFinite(seconds)) return "?";
  const all = Math.max(0, Math.round(seconds));
  if (all === 0) return seconds > 0.05 ? `${seconds.toFixed(1)} s` : "0 s";
  const at = UNITS.findIndex(([, size]) => all >= size);
  const [unit, size] = UNITS[at]!;
  const first = Math.floor(all / size);
  const next = UNITS[at + 1];
  const second = next === undefined || first >= 10 ? 0 : Math.floor(all % size / next[1]);
  return second === 0 ? `${first} ${unit}` : `${first} ${unit} ${second} ${next![0]}`;
}

/** Milliseconds for people: "8 ms", "1.4 s", "2 min 5 s". */
export function milliseconds(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : span(ms / 1000);
}

/** How many, with its noun: "1 document", "2,000 documents". */
export function many(n: number, noun: string): string {
  return `${whole(n)} ${noun}${n === 1 ? "" : "s"}`;
}

/** A number of bytes for people. */
export function bytes(n: number): string {
  if (n < 1024) return many(n, "byte");
  return n < 2 ** 20 ? `${(n / 1024).toFixed(1)} KiB` : `${(n / 2 ** 20).toFixed(1)} MiB`;
}

/** A text that begins with a capital and ends with a full stop. */
export function sentence(text: string): string {
  const whole = `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}

/** The time of day, as the viewer's clock shows it. */
export function timeOfDay(at: Date): string {
  return at.toLocaleTimeString("en-GB");
}

/** A date to the second, in the viewer's zone and in UTC. */
export function exact(at: Date): string {
  if (Number.isNaN(at.getTime())) return "not a date";
  return `${at.toLocaleDateString("en-CA")} ${timeOfDay(at)} (${at.toISOString()})`;
}
