import { parser } from "./parse.ts";

/** A number of documents in a time. */
export interface Rate {
  readonly documents: number;
  /** The time, in milliseconds. */
  readonly perMs: number;
}

const UNITS_MS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const MAX_PER_SECOND = 1_000_000;
const MIN_PER_MS = 1 / UNITS_MS.d!;
const ACCEPTS = `a rate from 1/d to ${MAX_PER_SECOND}/s`;

/** A rate: documents a second as a plain number (`100`), or in another time (`6000/m`, `3/h`). */
export const rate = parser<Rate>(ACCEPTS, (text) => {
  const match = /^(\d+(?:\.\d+)?|\.\d+)\s*(?:\/\s*([smhd]))?$/.exec(text);
  const documents = Number(match?.[1] ?? NaN);
  const perMs = UNITS_MS[match?.[2] ?? "s"]!;
  const documentsPerMs = documents / perMs;
  if (documents === 0) {
    throw new Error(
      "may mean no limit, or no document at all: for no limit leave it out, to process nothing pause the agent",
    );
  }
  if (!(documentsPerMs >= MIN_PER_MS && documentsPerMs <= MAX_PER_SECOND / UNITS_MS.s!)) {
    throw new Error(`must be ${ACCEPTS}, as 100 or 100/s (a second), 6000/m, 3/h, 50/d`);
  }
  return { documents, perMs };
}, formatRate);

/** The shortest text of a rate: `100/s`, `3/h`. */
export function formatRate({ documents, perMs }: Rate): string {
  const unit = Object.keys(UNITS_MS).find((each) => UNITS_MS[each] === perMs) ?? `${perMs}ms`;
  return `${documents}/${unit}`;
}
