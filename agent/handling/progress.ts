import { detached } from "../lib/detached.ts";

/** So much of a text is kept, in UTF-16 units: more than is shown, as secrets are taken out of it before it is cut. */
const MAX_KEPT = 2000;

/** How far a run is, as its handler says. */
export interface Progress {
  /** From 0 to 1. */
  readonly fraction?: number;
  /** As it was given: it may hold secrets, and what a terminal must not get. */
  readonly text?: string;
}

/** What a handler has said. Anything else than a number or a text is left out: this is no reason to fail. */
export function progressOf(fraction: unknown, text: unknown): Progress {
  return {
    ...(typeof fraction === "number" && !Number.isNaN(fraction) &&
      { fraction: Math.min(1, Math.max(0, fraction)) }),
    ...(typeof text === "string" && text !== "" && { text: detached(text.slice(0, MAX_KEPT)) }),
  };
}
