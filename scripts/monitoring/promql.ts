/**
 * Queries of Prometheus, made of the declaration of the instruments: an instrument, a label or a value that does not
 * exist is a type error.
 *
 * @module
 */

import type { Instrument } from "../../agent/metrics/instrument.ts";

/** The labels of an instrument. */
export type LabelOf<I extends Instrument> = I extends { labels: infer L } ? keyof L & string : never;

/** Labels that a scrape adds: they tell agents apart. */
export type TargetLabel = "namespace" | "job" | "app" | "pod" | "instance";

/** Values that a series has to have; one with a list in the declaration takes no other. */
export type Matchers<I extends Instrument> = I extends { labels: infer L }
  ? { [K in keyof L]?: L[K] extends readonly (infer V)[] ? V : string }
  : Record<never, never>;

type Counter = Instrument & { kind: "counter" };
type Histogram = Instrument & { kind: "histogram" };

/** The agents that are selected by the variables of the dashboard. */
const SELECTED = ['namespace=~"$namespace"', 'job=~"$job"', 'app=~"$app"'];

/** Documents of one collection, for the gauges of the backlog. */
const COLLECTION = 'collection=~"$collection"';

/** The series of an instrument for the agents that are selected. */
export function series<I extends Instrument>(instrument: I, matchers?: Matchers<I>): string {
  return selector(instrument.name, instrument, matchers);
}

/**
 * Series of an instrument that other programs have, too, such as the start time of a process: those of agents alone, or
 * what a function makes of them.
 */
export function ofAgents(expr: string, agents: Instrument): string {
  return `${expr} and on (namespace, job, instance) ${series(agents)}`;
}

/** Adds up a gauge of all agents, by labels. */
export function sum<I extends Instrument>(
  instrument: I,
  by: (LabelOf<I> | TargetLabel)[] = [],
  matchers?: Matchers<I>,
): string {
  return `sum${grouped(by)} (${series(instrument, matchers)})`;
}

/** The largest value among the agents, by labels: also for numbers that all agents report alike. */
export function max<I extends Instrument>(
  instrument: I,
  by: (LabelOf<I> | TargetLabel)[] = [],
  matchers?: Matchers<I>,
): string {
  return `max${grouped(by)} (${series(instrument, matchers)})`;
}

/** How much a counter of all agents grows per second. */
export function perSecond<I extends Counter>(
  instrument: I,
  by: (LabelOf<I> | TargetLabel)[] = [],
  matchers?: Matchers<I>,
): string {
  return `sum${grouped(by)} (rate(${series(instrument, matchers)}[$__rate_interval]))`;
}

/** How much a counter of all agents has grown within some time, for example `1h`. */
export function growth<I extends Counter>(
  instrument: I,
  window: string,
  by: (LabelOf<I> | TargetLabel)[] = [],
  matchers?: Matchers<I>,
): string {
  return `sum${grouped(by)} (increase(${series(instrument, matchers)}[${window}]))`;
}

/** How many observations a histogram of all agents takes per second. */
export function observations<I extends Histogram>(
  instrument: I,
  by: (LabelOf<I> | TargetLabel)[] = [],
  matchers?: Matchers<I>,
): string {
  const counts = selector(`${instrument.name}_count`, instrument, matchers);
  return `sum${grouped(by)} (rate(${counts}[$__rate_interval]))`;
}

/** How much time per second the observations of a histogram take up: 2 means that two are under way on average. */
export function timeSpent<I extends Histogram>(
  instrument: I,
  by: (LabelOf<I> | TargetLabel)[] = [],
): string {
  return `sum${grouped(by)} (rate(${selector(`${instrument.name}_sum`, instrument)}[$__rate_interval]))`;
}

/** The value that a share of the observations does not exceed. */
export function quantile<I extends Histogram>(
  share: number,
  instrument: I,
  by: (LabelOf<I> | TargetLabel)[] = [],
  matchers?: Matchers<I>,
): string {
  const buckets = selector(`${instrument.name}_bucket`, instrument, matchers);
  return `histogram_quantile(${share}, sum${grouped([...by, "le"])} (rate(${buckets}[$__rate_interval])))`;
}

function selector<I extends Instrument>(
  name: string,
  instrument: I,
  matchers: Matchers<I> = {} as Matchers<I>,
) {
  const own = Object.entries(matchers).map(([label, value]) => `${label}="${value}"`);
  const collection = "collection" in (instrument.labels ?? {}) ? [COLLECTION] : [];
  return `${name}{${[...SELECTED, ...collection, ...own].join(", ")}}`;
}

function grouped(labels: string[]): string {
  return labels.length === 0 ? "" : ` by (${labels.join(", ")})`;
}
