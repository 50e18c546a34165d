/**
 * What is pushed by OTLP, as JSON or as Protocol Buffers, in one shape.
 *
 * @module
 */

import { type Message, readMessage, type Schema } from "./protobuf.ts";

/** Attributes with their values as text. */
export type Attributes = Record<string, string>;

/** A span that arrived. */
export interface SeenSpan {
  name: string;
  kind: number;
  traceId: string;
  spanId: string;
  parentSpanId: string;
  attributes: Attributes;
  links: { traceId: string; spanId: string }[];
  /** 2 is an error. */
  status: { code: number; message: string };
  /** In nanoseconds since 1970. */
  startedAt: bigint;
  endedAt: bigint;
  resource: Attributes;
}

/** A metric that arrived. */
export interface SeenMetric {
  name: string;
  kind: "gauge" | "sum" | "histogram";
  unit: string;
  points: SeenPoint[];
  resource: Attributes;
}

/** One of its numbers; `counts` and `bounds` are those of a histogram, whose value is the sum. */
export interface SeenPoint {
  attributes: Attributes;
  value: number;
  counts: number[];
  bounds: number[];
}

const ANY: Schema = {
  1: ["stringValue", "text"],
  2: ["boolValue", "varint"],
  3: ["intValue", "varint"],
  4: ["doubleValue", "double"],
};
const ATTRIBUTE: Schema = { 1: ["key", "text"], 2: ["value", ANY] };
const RESOURCE: Schema = { 1: ["attributes", ATTRIBUTE, "many"] };
const SPAN: Schema = {
  1: ["traceId", "hex"],
  2: ["spanId", "hex"],
  4: ["parentSpanId", "hex"],
  5: ["name", "text"],
  6: ["kind", "varint"],
  7: ["startTimeUnixNano", "fixed64"],
  8: ["endTimeUnixNano", "fixed64"],
  9: ["attributes", ATTRIBUTE, "many"],
  13: ["links", { 1: ["traceId", "hex"], 2: ["spanId", "hex"] }, "many"],
  15: ["status", { 2: ["message", "text"], 3: ["code", "varint"] }],
};
const TRACES: Schema = {
  1: ["resourceSpans", {
    1: ["resource", RESOURCE],
    2: ["scopeSpans", { 2: ["spans", SPAN, "many"] }, "many"],
  }, "many"],
};
const NUMBER: Schema = {
  4: ["asDouble", "double"],
  6: ["asInt", "fixed64"],
  7: ["attributes", ATTRIBUTE, "many"],
};
const DISTRIBUTION: Schema = {
  5: ["sum", "double"],
  6: ["bucketCounts", "fixed64s"],
  7: ["explicitBounds", "doubles"],
  9: ["attributes", ATTRIBUTE, "many"],
};
const METRIC: Schema = {
  1: ["name", "text"],
  3: ["unit", "text"],
  5: ["gauge", { 1: ["dataPoints", NUMBER, "many"] }],
  7: ["sum", { 1: ["dataPoints", NUMBER, "many"] }],
  9: ["histogram", { 1: ["dataPoints", DISTRIBUTION, "many"] }],
};
const METRICS: Schema = {
  1: ["resourceMetrics", {
    1: ["resource", RESOURCE],
    2: ["scopeMetrics", { 2: ["metrics", METRIC, "many"] }, "many"],
  }, "many"],
};

/** The spans of a request. */
export function spansOf(body: Uint8Array, contentType: string): SeenSpan[] {
  return messageOf(body, contentType, TRACES).resourceSpans.flatMap(({ resource, scopeSpans }: Message) =>
    scopeSpans.flatMap(({ spans }: Message) => spans).map((span: Message) => ({
      name: span.name,
      kind: span.kind,
      traceId: span.traceId,
      spanId: span.spanId,
      parentSpanId: span.parentSpanId ?? "",
      attributes: attributesOf(span.attributes),
      links: (span.links ?? []).map(({ traceId, spanId }: Message) => ({ traceId, spanId })),
      status: { code: span.status?.code ?? 0, message: span.status?.message ?? "" },
      startedAt: BigInt(span.startTimeUnixNano),
      endedAt: BigInt(span.endTimeUnixNano),
      resource: attributesOf(resource.attributes),
    }))
  );
}

/** The metrics of a request. */
export function metricsOf(body: Uint8Array, contentType: string): SeenMetric[] {
  return messageOf(body, contentType, METRICS).resourceMetrics.flatMap((
    { resource, scopeMetrics }: Message,
  ) =>
    scopeMetrics.flatMap(({ metrics }: Message) => metrics).map((metric: Message) => {
      const kind = (["gauge", "sum", "histogram"] as const).find((kind) => metric[kind] !== undefined)!;
      return {
        name: metric.name,
        kind,
        unit: metric.unit ?? "",
        points: metric[kind].dataPoints.map(pointOf),
        resource: attributesOf(resource.attributes),
      };
    })
  );
}

function pointOf(point: Message): SeenPoint {
  return {
    attributes: attributesOf(point.attributes),
    value: Number(point.asDouble ?? point.asInt ?? point.sum ?? 0),
    counts: (point.bucketCounts ?? []).map(Number),
    bounds: point.explicitBounds ?? [],
  };
}

function messageOf(body: Uint8Array, contentType: string, schema: Schema): Message {
  if (contentType === "application/json") return JSON.parse(new TextDecoder().decode(body));
  if (contentType === "application/x-protobuf") return readMessage(body, schema);
  throw new Error(`no type of OTLP: ${contentType}`);
}

function attributesOf(attributes: Message[] = []): Attributes {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, String(Object.values(value ?? {})[0])]),
  );
}
