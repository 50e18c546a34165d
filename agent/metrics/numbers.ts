import { timeOfDayMs } from "../lib/builtins.ts";
import type { Facts, Instrument, LabelValues } from "./instrument.ts";
import { INSTRUMENTS } from "./instruments.ts";

type Table = typeof INSTRUMENTS;
type Key = keyof Table;
type KeyOf<Kind extends Instrument["kind"]> = { [K in Key]: Table[K]["kind"] extends Kind ? K : never }[Key];

/** The labels of an instrument that take one of several values. */
type LabelsOf<K extends Key> = Table[K] extends { labels: infer L } ? {
    [N in keyof L as L[N] extends readonly string[] ? N : never]: L[N] extends readonly (infer V)[] ? V
      : never;
  }
  : Record<never, never>;
type LabelArguments<K extends Key> = keyof LabelsOf<K> extends never ? [] : [labels: LabelsOf<K>];

/** What is known of one instrument at a moment. */
export interface Family {
  readonly instrument: Instrument;
  /** One for each combination of its labels' values; without those of a gauge that are not known. */
  readonly series: readonly Series[];
}

/** One number, or one distribution, with its labels. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number | Distribution;
}

/** What a histogram has counted. */
export interface Distribution {
  /** For each bucket, and at the end for what is above all of them. Not summed up. */
  readonly counts: readonly number[];
  /** The sum of all values. */
  readonly sum: number;
}

/**
 * The numbers of all instruments.
 *
 * The declaration gives each instrument its series, and all of them exist from the start: counters and histograms begin
 * with zero, so that the first event is seen as a rise, and what the numbers take in memory never grows.
 */
export class Numbers {
  /** When counting began, in milliseconds since 1970. */
  readonly startedAtMs = timeOfDayMs();
  readonly #facts: Facts;
  readonly #slots = {} as Record<Key, Slots>;
  readonly #fillers: (() => void)[] = [];

  constructor(facts: Facts) {
    this.#facts = facts;
    for (const [key, instrument] of Object.entries(INSTRUMENTS)) {
      this.#slots[key as Key] = new Slots(instrument);
    }
  }

  /** Counts `amount` more. */
  add<K extends KeyOf<"counter">>(key: K, amount: number, ...[labels]: LabelArguments<K>): void {
    this.#slots[key].add(amount, labels);
  }

  /** Sets a gauge; with `undefined` it is not known, and not shown. */
  set<K extends KeyOf<"gauge">>(key: K, value: number | undefined, ...[labels]: LabelArguments<K>): void {
    this.#slots[key].set(value, labels);
  }

  /** Counts a value, in the unit of the instrument. One below zero, which clocks that are apart make, counts as zero. */
  observe<K extends KeyOf<"histogram">>(key: K, value: number, ...[labels]: LabelArguments<K>): void {
    this.#slots[key].observe(value, labels);
  }

  /** Calls `fill` each time before the numbers are looked at: it sets the gauges that are read just then. */
  beforeCollect(fill: () => void): void {
    this.#fillers.push(fill);
  }

  /** All numbers as they are now. */
  collect(): Family[] {
    for (const fill of this.#fillers) {
      try {
        fill();
      } catch (error) {
        // The other numbers are good.
        reportError(error);
      }
    }
    return Object.values(this.#slots).map((slots) => ({
      instrument: slots.instrument,
      series: slots.series(this.#facts),
    }));
  }
}

/** The numbers of one instrument: as many as its labels have combinations, side by side. */
class Slots {
  readonly instrument: Instrument;
  readonly #buckets: readonly number[];
  /** The labels that take one of several values. */
  readonly #labels: readonly [name: string, values: readonly string[]][];
  /** Numbers of one series: one, or the counts of the buckets, of what is above them, and the sum. */
  readonly #width: number;
  readonly #values: Float64Array;

  constructor(instrument: Instrument) {
    const { buckets = [], kind, labels = {} } = instrument;
    this.instrument = instrument;
    this.#buckets = buckets;
    this.#labels = Object.entries(labels).flatMap(([name, values]) =>
      "fact" in values ? [] : [[name, values]]
    );
    this.#width = kind === "histogram" ? buckets.length + 2 : 1;
    const combinations = this.#labels.reduce((product, [, values]) => product * values.length, 1);
    this.#values = new Float64Array(combinations * this.#width).fill(kind === "gauge" ? NaN : 0);
  }

  add(amount: number, labels: object | undefined): void {
    this.#values[this.#at(labels)]! += amount;
  }

  set(value = NaN, labels: object | undefined): void {
    this.#values[this.#at(labels)] = value;
  }

  observe(value: number, labels: object | undefined): void {
    // It would spoil the sum for good.
    if (Number.isNaN(value)) return;
    const at = this.#at(labels);
    const buckets = this.#buckets;
    let bucket = 0;
    while (bucket < buckets.length && value > buckets[bucket]!) bucket += 1;
    this.#values[at + bucket]! += 1;
    this.#values[at + buckets.length + 1]! += Math.max(0, value);
  }

  series(facts: Facts): Series[] {
    const found: Series[] = [];
    for (let at = 0; at < this.#values.length; at += this.#width) {
      const value = this.#valueAt(at);
      if (!Number.isNaN(value)) found.push({ labels: this.#labelsAt(at, facts), value });
    }
    return found;
  }

  #valueAt(at: number): number | Distribution {
    if (this.#width === 1) return this.#values[at]!;
    const last = at + this.#width - 1;
    return { counts: [...this.#values.subarray(at, last)], sum: this.#values[last]! };
  }

  /** Where the numbers of a series begin. */
  #at(labels: object | undefined): number {
    let index = 0;
    for (const [name, values] of this.#labels) {
      index = index * values.length + values.indexOf((labels as Record<string, string>)[name]!);
    }
    return index * this.#width;
  }

  #labelsAt(at: number, facts: Facts): Record<string, string> {
    let index = at / this.#width;
    const chosen = new Map<string, string>();
    for (const [name, values] of this.#labels.toReversed()) {
      chosen.set(name, values[index % values.length]!);
      index = Math.floor(index / values.length);
    }
    const all: [string, LabelValues][] = Object.entries(this.instrument.labels ?? {});
    return Object.fromEntries(
      all.map(([name, values]) => [name, "fact" in values ? facts[values.fact] : chosen.get(name)!]),
    );
  }
}
