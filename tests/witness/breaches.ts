import { EJSON } from "bson";
import type { Write } from "./oplog.ts";
import type { Story } from "./story.ts";

/** What a witness says of a run. */
export interface Verdict {
  readonly ok: boolean;
  readonly counts: Readonly<Record<string, number>>;
  readonly breaches: readonly Breach[];
}

/** A rule that was broken, and the entries of the oplog that show it. */
export interface Breach {
  readonly rule: string;
  readonly document: string;
  readonly what: string;
  readonly entries: readonly string[];
}

/** Breaches that are told in full, at most; all are counted. */
const MAX_TOLD = 200;

/** What is counted even if there was none. */
const ZERO = {
  "attempts spent in vain": 0,
  breaches: 0,
  "doubles, cut": 0,
  "doubles, killed": 0,
  "doubles, without an excuse": 0,
  "documents inserted": 0,
  "stale letters": 0,
};

/** What was counted, and what was found to be wrong. */
export class Breaches {
  readonly #counts: Record<string, number> = { ...ZERO };
  readonly #told: Breach[] = [];

  count(what: string): void {
    this.#counts[what] = (this.#counts[what] ?? 0) + 1;
  }

  add(rule: string, { entries, key }: Pick<Story, "key" | "entries">, what: string): void {
    this.count("breaches");
    if (this.#told.length >= MAX_TOLD) return;
    this.#told.push({ rule, document: key, what, entries: entries.map(textOf) });
  }

  verdict(): Verdict {
    return { ok: this.#told.length === 0, counts: this.#counts, breaches: this.#told };
  }
}

function textOf({ at, kind, namespace, o, wall }: Write): string {
  const what = EJSON.stringify(o).slice(0, 600);
  return `${at} ${new Date(wall).toISOString()} ${kind} ${namespace} ${what}`;
}
