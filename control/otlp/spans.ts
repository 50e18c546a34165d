import {
  type Attributes,
  type Context,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  trace,
  type Tracer,
} from "@opentelemetry/api";
import type { Detail, Details, RunTraces } from "../../agent/details.ts";
import { timeOfDayMs } from "../../agent/lib/builtins.ts";
import type { Clock } from "../../agent/lib/clock.ts";
import type { LeasedDocument } from "../../agent/ports.ts";
import { formatId } from "../../agent/store/documents/format_id.ts";
import { secrets } from "../../agent/text/redact.ts";
import { shortened } from "../../agent/text/shortened.ts";
import { markFailed, RecordedRun, type RunSpans, UnrecordedRun } from "./run_spans.ts";
import { sampledLike } from "./sampling.ts";
import type { SpanQueue } from "./span_queue.ts";
import { producerOf } from "./traceparent.ts";

/** An id as an attribute, in UTF-16 units. */
const MAX_ID = 256;
/** Links of a span, at most: as the standard has it. */
const MAX_LINKS = 128;

/**
 * Makes spans of what the agent does. A claim, a run and a write of outcomes have a trace each, since many documents
 * share a claim and a write; links lead from one to the other.
 */
export class Spans implements RunTraces {
  readonly #options: SpansOptions;
  readonly #common: Attributes;

  constructor(options: SpansOptions) {
    this.#options = options;
    this.#common = { "messaging.system": "mongodb", "messaging.destination.name": options.source };
    options.details.subscribe((detail) => this.#observe(detail));
    options.details.traceBy(this);
  }

  traceparentOf(first: LeasedDocument): string | undefined {
    // Most runs have no span, and most processors do not ask: what they would get is made only now.
    return (noteOf(first).run ??= new UnrecordedRun()).traceparent;
  }

  #observe(detail: Detail): void {
    switch (detail.type) {
      case "claim_ended":
        return this.#claimed(detail);
      case "run_started":
        return this.#started(detail.documents);
      case "run_ended":
        return knownOf(detail.documents[0]!)?.run?.end(detail.results);
      case "outcomes_written":
        return this.#written(detail);
    }
  }

  /** A claim that brought nothing has no span: an idle agent claims all the time. */
  #claimed({ documents, error, startedAtMs }: Extract<Detail, { type: "claim_ended" }>): void {
    if (documents.length === 0 && error === undefined) return;
    const span = this.#whole("claim", startedAtMs, ROOT_CONTEXT, {
      attributes: {
        "messaging.operation.type": "receive",
        "messaging.batch.message_count": documents.length,
      },
    });
    if (span === undefined) return;
    if (error !== undefined) markFailed(span, error);
    span.end();
    for (const document of documents) noteOf(document).claim = span.spanContext();
  }

  /** Sampled like the runs whose outcomes it writes. */
  #written({ documents, error, kind, startedAtMs }: Extract<Detail, { type: "outcomes_written" }>): void {
    const runs: SpanContext[] = [];
    for (const document of documents) {
      const run = knownOf(document)?.span;
      if (run !== undefined) runs.push(run);
    }
    if (runs.length === 0) return;
    const span = this.#whole(kind, startedAtMs, sampledLike(runs[0]), {
      links: runs.slice(0, MAX_LINKS).map((context) => ({ context })),
      attributes: {
        "messaging.operation.type": "settle",
        "messaging.batch.message_count": documents.length,
      },
    });
    if (span === undefined) return;
    if (error !== undefined) markFailed(span, error);
    span.end();
  }

  #started(documents: readonly LeasedDocument[]): void {
    const [first] = documents;
    // A batch has a span, and so has each of its documents if there is room: processors ask for that of the batch.
    const room = documents.length === 1
      ? this.#options.queue.room(1)
      : this.#options.queue.room(documents.length + 1, 1);
    if (room === 0) return;
    const producers = documents.map((document) => producerOf(document, this.#options.traceField));
    const run = documents.length === 1
      ? this.#startedOne(first!, producers[0])
      : this.#startedBatch(documents, producers, room > 1);
    if (run !== undefined) noteOf(first!).run = run;
  }

  #startedOne(document: LeasedDocument, producer: SpanContext | undefined): RunSpans | undefined {
    const span = this.#documentSpan(document, producer, sampledLike(producer));
    return span && new RecordedRun(span, [span]);
  }

  #startedBatch(
    documents: readonly LeasedDocument[],
    producers: readonly (SpanContext | undefined)[],
    withDocuments: boolean,
  ): RunSpans | undefined {
    const known = producers.filter((producer) => producer !== undefined);
    const like = known.find(({ traceFlags }) => (traceFlags & 1) === 1) ?? known[0];
    const batch = this.#begun("process batch of", SpanKind.CONSUMER, sampledLike(like), {
      attributes: {
        "messaging.operation.type": "process",
        "messaging.batch.message_count": documents.length,
      },
    });
    if (batch === undefined) return undefined;
    if (!withDocuments) return new RecordedRun(batch, []);
    const context = trace.setSpan(ROOT_CONTEXT, batch);
    return new RecordedRun(
      batch,
      documents.map((document, at) => this.#documentSpan(document, producers[at], context)),
    );
  }

  #documentSpan(
    document: LeasedDocument,
    producer: SpanContext | undefined,
    context: Context,
  ): Span | undefined {
    const claim = knownOf(document)?.claim;
    const links: Link[] = [];
    if (producer !== undefined) links.push({ context: producer });
    if (claim !== undefined) links.push({ context: claim });
    const span = this.#begun("process", SpanKind.CONSUMER, context, {
      links,
      attributes: {
        "messaging.operation.type": "process",
        "messaging.message.id": secrets.text(shortened(formatId(document.id), MAX_ID)),
        "pulling_agent.attempt": document.attempt,
      },
    });
    if (span !== undefined) noteOf(document).span = span.spanContext();
    return span;
  }

  /** A span of what is over already; undefined if it is not recorded. */
  #whole(what: string, startedAtMs: number, context: Context, more: SpanParts): Span | undefined {
    const { clock, queue } = this.#options;
    if (queue.room(1) === 0) return undefined;
    const startTime = timeOfDayMs() - (clock.monotonicMs() - startedAtMs);
    return this.#begun(what, SpanKind.CLIENT, context, { ...more, startTime });
  }

  /** A span; undefined if it is not sampled. */
  #begun(
    what: string,
    kind: SpanKind,
    context: Context,
    { attributes, ...more }: SpanParts,
  ): Span | undefined {
    const { source, tracer } = this.#options;
    const all = { ...more, kind, attributes: { ...this.#common, ...attributes } };
    const span = tracer.startSpan(`${what} ${source}`, all, context);
    return span.isRecording() ? span : undefined;
  }
}

/** What the traces know of a document: a map beside the documents would cost more than the spans. */
class Note {
  /** Of a run that began with this document. */
  run: RunSpans | undefined;
  /** Of the document in its run, if it is recorded. */
  span: SpanContext | undefined;
  /** Of the claim that brought it, if it is recorded. */
  claim: SpanContext | undefined;
}

function knownOf(document: LeasedDocument): Note | undefined {
  return document.traceNote as Note | undefined;
}

function noteOf(document: LeasedDocument): Note {
  return (document.traceNote ??= new Note()) as Note;
}

interface SpanParts {
  readonly attributes: Attributes;
  readonly links?: Link[];
  readonly startTime?: number;
}

/** What {@linkcode Spans} need. */
export interface SpansOptions {
  clock: Clock;
  details: Details;
  tracer: Tracer;
  queue: Pick<SpanQueue, "room">;
  /** `database.collection`. */
  source: string;
  /** The field of a document that may hold a traceparent. */
  traceField: string;
}
