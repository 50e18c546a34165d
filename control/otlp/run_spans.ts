import { type Span, SpanStatusCode } from "@opentelemetry/api";
import { errorText, isInterruption, ProcessTimeoutError } from "../../agent/errors.ts";
import type { HandlerResult } from "../../agent/settling/outcome.ts";
import { secrets } from "../../agent/text/redact.ts";
import { traceparentOf, unsampledTraceparent } from "./traceparent.ts";

/** The text of an error, in UTF-16 units: as on the document. */
const MAX_ERROR = 1000;

/** A run as the traces show it. */
export interface RunSpans {
  /** For the spans of the processor. */
  readonly traceparent: string;
  /** It is over; the results are in the order of its documents. */
  end(results: readonly HandlerResult[]): void;
}

/** A run that is recorded: that of one document, or of a batch whose documents have a span each, or none. */
export class RecordedRun implements RunSpans {
  readonly #span: Span;
  readonly #documents: readonly (Span | undefined)[];

  constructor(span: Span, documents: readonly (Span | undefined)[]) {
    this.#span = span;
    this.#documents = documents;
  }

  get traceparent(): string {
    return traceparentOf(this.#span.spanContext());
  }

  end(results: readonly HandlerResult[]): void {
    const worst = results.find(({ ok }) => !ok) ?? results[0];
    if (this.#documents.length === 0 && worst !== undefined) mark(this.#span, worst);
    for (const [at, span] of this.#documents.entries()) {
      if (span === undefined) continue;
      const result = results[at];
      if (result !== undefined) mark(span, result);
      span.end();
    }
    if (this.#documents[0] !== this.#span) this.#span.end();
  }
}

/** A run that is not sampled, or for which there was no room. Spans of its processor are not to be sampled either. */
export class UnrecordedRun implements RunSpans {
  #traceparent: string | undefined;

  get traceparent(): string {
    return this.#traceparent ??= unsampledTraceparent();
  }

  end(): void {}
}

/** Notes on the span of a document how its run ended. */
function mark(span: Span, result: HandlerResult): void {
  if (result.ok) {
    span.setAttribute("pulling_agent.result", result.snoozeMs === undefined ? "ok" : "snoozed");
  } else if (isInterruption(result.error)) {
    span.setAttribute("pulling_agent.result", "aborted");
  } else {
    markFailed(span, result.error, result.error instanceof ProcessTimeoutError ? "timed_out" : "failed");
  }
}

/** Notes on a span that something went wrong. */
export function markFailed(span: Span, error: unknown, result: "failed" | "timed_out" = "failed"): void {
  span.setAttribute("pulling_agent.result", result);
  span.setAttribute("error.type", result);
  span.setStatus({ code: SpanStatusCode.ERROR, message: secrets.text(errorText(error), MAX_ERROR) });
}
