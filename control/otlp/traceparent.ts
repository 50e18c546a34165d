import type { SpanContext } from "@opentelemetry/api";
import { parseTraceParent } from "@opentelemetry/core";
import type { LeasedDocument } from "../../agent/ports.ts";

/** A field that is longer, in bytes, is not a traceparent of any version. */
const MAX_BYTES = 256;

/** The context in the field of a document; undefined if there is none that W3C Trace Context allows. */
export function producerOf(document: LeasedDocument, field: string): SpanContext | undefined {
  const text = document.shortText(field, MAX_BYTES);
  const found = text === undefined ? null : parseTraceParent(text);
  return found === null ? undefined : { ...found, isRemote: true };
}

/** A context as a traceparent. */
export function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-0${traceFlags & 1}`;
}

/** A context of its own that says that nothing is sampled. */
export function unsampledTraceparent(): string {
  const ids = crypto.getRandomValues(new Uint8Array(24)).toHex();
  return `00-${ids.slice(0, 32)}-${ids.slice(32)}-00`;
}
