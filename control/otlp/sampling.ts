import {
  type Attributes,
  type Context,
  createContextKey,
  type Link,
  ROOT_CONTEXT,
  type SpanContext,
  type SpanKind,
  trace,
} from "@opentelemetry/api";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  type SamplingResult,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace";
import type { Settings } from "../../agent/settings/settings.ts";

const PRODUCER = createContextKey("the span of the program that inserted the document");

/** The context of a span that has a trace of its own, and is sampled as if it were a child of `producer`. */
export function sampledLike(producer: SpanContext | undefined): Context {
  return producer === undefined ? ROOT_CONTEXT : ROOT_CONTEXT.setValue(PRODUCER, producer);
}

/**
 * Decides by the producer's span, to which a document's span is only linked: so a trace that is sampled goes on in the
 * agent, and one that is not does not.
 */
export class LinkSampler implements Sampler {
  readonly #sampler: Sampler;

  constructor(settings: Pick<Settings, "otelTracesSampler" | "otelTracesSamplerArg">) {
    this.#sampler = samplerOf(settings);
  }

  shouldSample(
    context: Context,
    traceId: string,
    name: string,
    kind: SpanKind,
    attributes: Attributes,
    links: Link[],
  ): SamplingResult {
    const producer = context.getValue(PRODUCER) as SpanContext | undefined;
    return producer === undefined
      ? this.#sampler.shouldSample(context, traceId, name, kind, attributes, links)
      : this.#sampler.shouldSample(
        trace.setSpanContext(context, producer),
        producer.traceId,
        name,
        kind,
        attributes,
        links,
      );
  }

  toString(): string {
    return `LinkSampler{${this.#sampler}}`;
  }
}

function samplerOf(
  { otelTracesSampler: name, otelTracesSamplerArg: share }: Pick<
    Settings,
    "otelTracesSampler" | "otelTracesSamplerArg"
  >,
): Sampler {
  const root = name.endsWith("always_on")
    ? new AlwaysOnSampler()
    : name.endsWith("always_off")
    ? new AlwaysOffSampler()
    : new TraceIdRatioBasedSampler(share);
  return name.startsWith("parentbased_") ? new ParentBasedSampler({ root }) : root;
}
