import { type HrTime, ValueType } from "@opentelemetry/api";
import type { InstrumentationScope } from "@opentelemetry/core";
import type { Resource } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  DataPointType,
  type MetricData,
  type ResourceMetrics,
} from "@opentelemetry/sdk-metrics";
import type { Instrument } from "../../agent/metrics/instrument.ts";
import type { Family, Series } from "../../agent/metrics/numbers.ts";

/** From when to when numbers were counted, in milliseconds since 1970. */
export interface Span {
  readonly startMs: number;
  readonly endMs: number;
}

/**
 * The numbers as the library encodes them. Names are those of Prometheus, so that dashboards and alerts hold for metrics
 * that are pushed as well as for those that are scraped; only `_total` is left out, which a collector adds again.
 */
export function resourceMetrics(
  families: readonly Family[],
  { resource, scope, from }: { resource: Resource; scope: InstrumentationScope; from: Span },
): ResourceMetrics {
  const times = { startTime: hrTime(from.startMs), endTime: hrTime(from.endMs) };
  const metrics = families.filter(({ series }) => series.length > 0).map(({ instrument, series }) =>
    metricData(instrument, series, times)
  );
  return { resource, scopeMetrics: [{ scope, metrics }] };
}

interface Times {
  readonly startTime: HrTime;
  readonly endTime: HrTime;
}

function metricData(instrument: Instrument, series: readonly Series[], times: Times): MetricData {
  const { buckets = [], help, kind, name, unit } = instrument;
  const common = {
    descriptor: {
      name: kind === "counter" ? name.replace(/_total$/, "") : name,
      description: help,
      unit: unit === undefined ? "" : UNITS[unit],
      valueType: ValueType.DOUBLE,
      advice: {},
    },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  if (kind === "histogram") {
    return {
      ...common,
      dataPointType: DataPointType.HISTOGRAM,
      dataPoints: series.map((each) => distribution(each, buckets, times)),
    };
  }
  const dataPoints = series.map(({ labels, value }) => ({
    ...times,
    attributes: { ...labels },
    value: value as number,
  }));
  return kind === "counter"
    ? { ...common, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints }
    : { ...common, dataPointType: DataPointType.GAUGE, dataPoints };
}

/** As UCUM has them. */
const UNITS = { seconds: "s", bytes: "By" } as const;

function distribution({ labels, value }: Series, boundaries: readonly number[], times: Times) {
  const { counts, sum } = value as Exclude<Series["value"], number>;
  return {
    ...times,
    attributes: { ...labels },
    value: {
      buckets: { boundaries: [...boundaries], counts: [...counts] },
      sum,
      count: counts.reduce((total, count) => total + count, 0),
    },
  };
}

function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)];
}
