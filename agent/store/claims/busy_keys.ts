import { BSON, type Document, type Filter } from "mongodb";
import type { Clock } from "../../lib/clock.ts";
import { idKey } from "../documents/id_key.ts";
import type { RawDocument } from "../documents/raw_document.ts";
import { collationOf, conditionOf, keyFieldsOf, KeyWaits, valuesAt } from "./key_waits.ts";

/** A key of a unique index that a document in processing has: no other document of that key can be claimed. */
interface BusyKey {
  condition: Filter<Document>;
  waitMs: number;
  untilMs: number;
}

/** A key is left alone for this long at first, and for twice as long each time it is met again, in milliseconds. */
const [FIRST_WAIT_MS, MAX_WAIT_MS] = [250, 5000];
/**
 * If no claim has had to wait for this long, the index is forgotten until a claim has to wait again, in milliseconds.
 */
const FORGET_MS = 60_000;
/** Keys that are remembered, at most. */
const MAX_KEYS = 1000;

/**
 * Documents whose claim has to wait for another document. This is normal and short: to limit the work per customer,
 * people make a unique index on the customer, partial on `status: "processing"`. Documents with a busy key are left out
 * of the claims until a document of that key is settled here, or until a short time has passed, because other agents
 * settle documents, too.
 */
export class BusyKeys {
  readonly #clock: Clock;
  readonly #keys = new Map<string, BusyKey>();
  /** How long claims have had to wait for each of them. */
  readonly waits: KeyWaits;
  /**
   * The fields of the index that makes claims wait, without those that the agent writes itself; undefined if no claim
   * waits.
   */
  #fields: readonly string[] | undefined;
  /** Whether documents without a value wait for each other, too: a partial index may leave them out. */
  #isNullKey = false;
  #learntAtMs = 0;
  #leftOut = false;
  #error: unknown;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.waits = new KeyWaits(clock);
  }

  /** Names of the fields that hold the key of a document. */
  get fields(): string[] {
    return [...new Set(this.#fields?.map((field) => field.split(".")[0]!))];
  }

  /** MongoDB's answer to the last claim that had to wait. */
  get error(): unknown {
    return this.#error;
  }

  /**
   * Whether a claim left documents out since the last look, even if their keys are free by now. Documents that wait for
   * one that no agent holds do not count.
   */
  takeLeftOut(): boolean {
    const leftOut = this.#leftOut;
    this.#leftOut = false;
    return leftOut;
  }

  /** What is left alone now, with a condition per key. */
  get conditions(): Filter<Document>[] {
    const now = this.#clock.monotonicMs();
    if (this.#fields && now - this.#learntAtMs >= FORGET_MS) this.#forget();
    const conditions: Filter<Document>[] = [];
    for (const [name, { condition, untilMs, waitMs }] of this.#keys) {
      if (untilMs > now) {
        conditions.push(condition);
        if (!this.waits.isStuck(name)) this.#leftOut = true;
      } // It was not met again in all the time that it was left alone: it is not busy any more.
      else if (untilMs + waitMs <= now) this.#keys.delete(name);
    }
    return conditions;
  }

  /**
   * The documents in processing, under a lease that has run out, that are left alone now, each by itself. No key keeps
   * them waiting, because they have the key.
   */
  get conditionsOfHolders(): Filter<Document>[] {
    return this.conditions.filter(({ _id }) => _id !== undefined);
  }

  /**
   * How long until the first key may be tried again, in milliseconds; undefined if none is left alone. A key whose
   * document no agent holds does not count: no short wait helps.
   */
  get retryInMs(): number | undefined {
    const now = this.#clock.monotonicMs();
    const keys = [...this.#keys].filter(([name]) => !this.waits.isStuck(name));
    const waits = keys.map(([, { untilMs }]) => untilMs - now).filter((ms) => ms > 0);
    return waits.length > 0 ? Math.min(...waits) : undefined;
  }

  /** Learns from the error of a claim which key is busy. Returns whether leaving that key alone is of any use. */
  learn(error: unknown): boolean {
    const { keyValue } = error as { keyValue?: Document };
    const fields = keyFieldsOf(error);
    this.#error = error;
    // A collation may take different values for equal.
    if (!fields || !keyValue || collationOf(error)) return false;
    const values = fields.map((field) => keyValue[field] ?? null);
    const name = keyName(values);
    // It was left alone already, and a claim met it all the same.
    if (this.#isBusy(name)) return false;
    this.#fields = fields;
    this.#learntAtMs = this.#clock.monotonicMs();
    if (values.includes(null)) this.#isNullKey = true;
    const condition = conditionOf(fields, values);
    this.waits.met(name, condition, error);
    this.#leaveAlone(name, condition);
    return true;
  }

  /** Leaves one document alone, with any key; returns how many that is. */
  addId(id: unknown, error: unknown): 1 {
    this.#error = error;
    const condition: Filter<Document> = { _id: { $eq: id as never } };
    this.waits.met(idName(id), condition, error);
    this.#leaveAlone(idName(id), condition);
    return 1;
  }

  /** Takes note of documents that were claimed here: their keys are busy now. */
  claimed(documents: readonly RawDocument[]): void {
    if (!this.waits.isEmpty) { for (const { id } of documents) this.waits.over(idName(id)); }
    const fields = this.#fields;
    if (!fields) return;
    for (const document of documents) {
      const values = valuesAt(document.peek(), fields);
      if (!this.#isKey(values)) continue;
      this.waits.over(keyName(values));
      this.#leaveAlone(keyName(values), conditionOf(fields, values), MAX_WAIT_MS);
    }
  }

  /** Takes note of documents that were settled here: their keys may be claimed again. */
  settled(documents: readonly RawDocument[]): void {
    if (this.#keys.size === 0) return;
    for (const document of documents) {
      const name = keyName(valuesAt(document.peek(), this.#fields ?? []));
      this.#keys.delete(name);
      this.waits.over(name);
    }
    // A document that has to wait by itself may wait for any of them.
    for (const name of [...this.#keys.keys()]) if (name.startsWith("id ")) this.#keys.delete(name);
  }

  /** The first document of each key: a claim cannot take the others. */
  firstOfEach<T extends RawDocument>(documents: T[]): T[] {
    const fields = this.#fields;
    if (!fields) return documents;
    const seen = new Set<string>();
    return documents.filter((document) => {
      const values = valuesAt(document.peek(), fields);
      if (!this.#isKey(values)) return true;
      const name = keyName(values);
      return !seen.has(name) && seen.add(name);
    });
  }

  #isKey(values: readonly unknown[]): boolean {
    return this.#isNullKey || !values.includes(null);
  }

  /** If another claim has to wait, it names the index again. */
  #forget(): void {
    this.#fields = undefined;
    this.#isNullKey = false;
    this.#keys.clear();
  }

  #isBusy(name: string): boolean {
    return (this.#keys.get(name)?.untilMs ?? 0) > this.#clock.monotonicMs();
  }

  #leaveAlone(name: string, condition: Filter<Document>, leastMs = FIRST_WAIT_MS): void {
    const known = this.#keys.get(name);
    const waitMs = Math.max(leastMs, known ? Math.min(2 * known.waitMs, MAX_WAIT_MS) : 0);
    this.#keys.delete(name);
    this.#keys.set(name, { condition, waitMs, untilMs: this.#clock.monotonicMs() + waitMs });
    if (this.#keys.size > MAX_KEYS) this.#keys.delete(this.#keys.keys().next().value!);
  }
}

function idName(id: unknown): string {
  return `id ${idKey(id)}`;
}

function keyName(values: readonly unknown[]): string {
  try {
    return BSON.EJSON.stringify(values, { relaxed: false });
  } catch {
    return "a key that cannot be named";
  }
}
