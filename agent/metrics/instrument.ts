/**
 * One instrument. Its entry in the table is the only place that describes it: documentation, dashboard, alerts and
 * checks are made of it.
 */
export interface Instrument {
  /** As Prometheus shows it: base units, and `_total` for counters. */
  readonly name: string;
  readonly kind: "counter" | "gauge" | "histogram";
  /** Unit of the values; undefined for counts and for yes or no. */
  readonly unit?: "seconds" | "bytes";
  /** One sentence or two for the people who read dashboards, without a line break. */
  readonly help: string;
  /** Each label with all the values that it can have. */
  readonly labels?: Readonly<Record<string, LabelValues>>;
  /** Upper bounds of the buckets of a histogram, rising. The last bucket, without a bound, is not among them. */
  readonly buckets?: readonly number[];
}

/**
 * The values of a label: a fixed list, or the name of a fact that is known at the start and does not change. There is
 * no third way, so that the number of series is fixed, and no id and no text of an error can become a label.
 */
export type LabelValues = readonly string[] | { readonly fact: keyof Facts };

/** What is known of an agent at its start and shown as labels. */
export interface Facts {
  readonly database: string;
  readonly collection: string;
  readonly version: string;
  readonly commit: string;
}
