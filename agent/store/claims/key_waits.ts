import type { CollationOptions, Document, Filter } from "mongodb";
import type { Clock } from "../../lib/clock.ts";

/** A wait for another document that has the same key of a unique index. */
export interface KeyWait {
  /** Finds the documents that wait. */
  readonly condition: Filter<Document>;
  /** MongoDB's answer to the last claim that met this wait. */
  error: unknown;
  /** Since when an agent may have the key, as far as is known, by the monotonic clock, as all times here. */
  sinceMs: number;
  /** The last claim that met this wait. */
  metAtMs: number;
  /** The last time that the holder of the key was looked for; `-Infinity` if it never was. */
  checkedAtMs: number;
  /** How many times in a row no document was found that has the key. */
  misses: number;
  /** The document that has the key and that no agent holds, if it is known; `id` is undefined if it was not found. */
  holder?: { readonly id: unknown } | undefined;
}

/** Waits that are remembered, at most: those that began first are kept. */
const MAX_WAITS = 1000;

/** How long claims have had to wait for each key, or for each document whose key cannot be told. */
export class KeyWaits {
  readonly #clock: Clock;
  readonly #waits = new Map<string, KeyWait>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes note of a claim that had to wait for the key of this name. */
  met(name: string, condition: Filter<Document>, error: unknown): void {
    const now = this.#clock.monotonicMs();
    const known = this.#waits.get(name);
    if (known) {
      known.error = error;
      known.metAtMs = now;
    } else if (this.#waits.size < MAX_WAITS) {
      const wait = { condition, error, sinceMs: now, metAtMs: now, checkedAtMs: -Infinity, misses: 0 };
      this.#waits.set(name, wait);
    }
  }

  /** Takes note that an agent has, or had, the key of this name: no wait for it lasts forever. */
  over(name: string): void {
    this.#waits.delete(name);
  }

  get isEmpty(): boolean {
    return this.#waits.size === 0;
  }

  /** Takes note that the holder of the key is looked for now. */
  checked(wait: KeyWait): void {
    wait.checkedAtMs = this.#clock.monotonicMs();
  }

  /** An agent has the key: the wait begins anew. */
  held(wait: KeyWait): void {
    wait.sinceMs = this.#clock.monotonicMs();
    wait.misses = 0;
    wait.holder = undefined;
  }

  /** Takes note that no document with the key was found; returns whether that was so before. */
  missed(wait: KeyWait): boolean {
    wait.misses += 1;
    wait.holder = undefined;
    return wait.misses > 1;
  }

  /** No agent holds the document that has the key. Returns whether that is news. */
  stuckBehind(wait: KeyWait, id: unknown): boolean {
    const isNews = wait.holder === undefined;
    wait.holder = { id };
    return isNews;
  }

  /** Whether no agent holds the document that has the key of this name. */
  isStuck(name: string): boolean {
    return this.#waits.get(name)?.holder !== undefined;
  }

  /** The waits that no agent will end, the longest first. */
  get stuck(): KeyWait[] {
    return [...this.#waits.values()].filter(({ holder }) => holder !== undefined);
  }

  /** Names and waits that have lasted this long since they began, or since the last look at them; `limit` at most. */
  due(patienceMs: number, limit: number): [name: string, wait: KeyWait][] {
    const now = this.#clock.monotonicMs();
    const isDue = ([, { sinceMs, checkedAtMs }]: [string, KeyWait]) =>
      now - Math.max(sinceMs, checkedAtMs) >= patienceMs;
    return this.#waits.entries().filter(isDue).take(limit).toArray();
  }
}

/** The values that MongoDB compares by `collation`, if the index has one. */
export function collationOf(error: unknown): CollationOptions | undefined {
  return (error as { collation?: CollationOptions } | undefined)?.collation ?? undefined;
}

/** Fields of the index that refused a claim, without those that the agent writes itself; undefined if unknown. */
export function keyFieldsOf(error: unknown): string[] | undefined {
  const { keyPattern } = error as { keyPattern?: Document };
  return keyPattern && Object.keys(keyPattern).filter((field) => !/^(status|_pull|_id)(\.|$)/.test(field));
}

/** The values of `fields` within a document as it was parsed; null for a missing one, as in an index. */
export function valuesAt(document: Document | undefined, fields: readonly string[]): unknown[] {
  return fields.map((path) => valueAt(document, path) ?? null);
}

/** Finds the documents that have these values. */
export function conditionOf(fields: readonly string[], values: readonly unknown[]): Filter<Document> {
  return Object.fromEntries(fields.map((field, at) => [field, { $eq: values[at] }]));
}

function valueAt(document: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>((value, name) => (value as Document | undefined)?.[name], document);
}
