import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { ForcedStopError, ProcessTimeoutError } from "../../../../agent/errors.ts";
import type { LeasedDocument } from "../../../../agent/ports.ts";
import type { HandlerResult } from "../../../../agent/settling/outcome.ts";
import { fakeDocument } from "../../../support/fake_document.ts";
import { OtlpReceiver } from "../../../support/otlp_receiver.ts";
import { OtlpSetup } from "../../../support/otlp_setup.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const SPAN = "b7ad6b7169203331";
const SAMPLED = `00-${TRACE}-${SPAN}-01`;
const UNSAMPLED = `00-${TRACE}-${SPAN}-00`;
const OK: HandlerResult = { ok: true };

const traced = (traceparent: unknown) => fakeDocument({ fields: { traceparent } });

/** Tells of a run of documents, from its claim to its ack; returns the context of the handler. */
function run(
  { details }: OtlpSetup,
  documents: readonly LeasedDocument[],
  results: readonly HandlerResult[] = documents.map(() => OK),
): string | undefined {
  const startedAtMs = performance.now();
  details.emit({ type: "claim_ended", startedAtMs, documents });
  details.emit({ type: "run_started", documents });
  const traceparent = details.traceparentOf(documents[0]!);
  details.emit({ type: "run_ended", startedAtMs, documents, result: "ok", results });
  details.emit({ type: "outcomes_written", startedAtMs, kind: "ack", documents });
  return traceparent;
}

Deno.test("Spans: a claim, a document and an ack have a span each, linked to each other and to the producer's", async () => {
  for (const protocol of ["http/protobuf", "http/json"]) {
    await using collector = new OtlpReceiver();
    const setup = new OtlpSetup(collector, {
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test,team=a%20b",
    });
    const traceparent = run(setup, [
      fakeDocument({ id: "a1", attempt: 2, fields: { traceparent: SAMPLED } }),
    ]);
    await setup.otlp.end(5000);
    assertEquals(collector.spans.map(({ name }) => name), [
      "claim shop.orders",
      "process shop.orders",
      "ack shop.orders",
    ]);
    const [claim, document, ack] = collector.spans;
    assertEquals(document!.links, [
      { traceId: TRACE, spanId: SPAN },
      { traceId: claim!.traceId, spanId: claim!.spanId },
    ]);
    assertEquals(ack!.links, [{ traceId: document!.traceId, spanId: document!.spanId }]);
    assertEquals(traceparent, `00-${document!.traceId}-${document!.spanId}-01`);
    assertNotEquals(document!.traceId, TRACE);
    assertEquals(document!.attributes, {
      "messaging.system": "mongodb",
      "messaging.destination.name": "shop.orders",
      "messaging.operation.type": "process",
      "messaging.message.id": "a1",
      "pulling_agent.attempt": "2",
      "pulling_agent.result": "ok",
    });
    assertEquals(document!.resource["service.name"], "pulling-agent");
    assertEquals(document!.resource["service.instance.id"], "pod-1");
    assertEquals(document!.resource["deployment.environment.name"], "test");
    assertEquals(document!.resource["team"], "a b");
    for (const { startedAt, endedAt } of collector.spans) assertEquals(startedAt <= endedAt, true);
    assertEquals(setup.log, []);
  }
});

const NO_LINK: [string, unknown][] = [
  ["nothing", undefined],
  ["a number", 1],
  ["a document", { traceparent: SAMPLED }],
  ["an array", [SAMPLED]],
  ["empty text", ""],
  ["another word", "yes"],
  ["capital letters", SAMPLED.toUpperCase()],
  ["a trace of zeros", `00-${"0".repeat(32)}-${SPAN}-01`],
  ["a span of zeros", `00-${TRACE}-${"0".repeat(16)}-01`],
  ["the forbidden version", `ff-${TRACE}-${SPAN}-01`],
  ["more than version 00 has", `${SAMPLED}-extra`],
  ["too few digits", `00-${TRACE.slice(1)}-${SPAN}-01`],
  ["a line break", `${SAMPLED}\r\nx: y`],
];
for (const [what, traceparent] of NO_LINK) {
  Deno.test(`Spans: a traceparent that is ${what} is no link, and the document has its span all the same`, async () => {
    await using collector = new OtlpReceiver();
    const setup = new OtlpSetup(collector);
    run(setup, [traced(traceparent)]);
    await setup.otlp.end(5000);
    const [claim, document] = collector.spans;
    assertEquals(document!.links, [{ traceId: claim!.traceId, spanId: claim!.spanId }]);
  });
}

Deno.test("Spans: a traceparent of a later version is a link", async () => {
  await using collector = new OtlpReceiver();
  const setup = new OtlpSetup(collector);
  run(setup, [traced(`cc-${TRACE}-${SPAN}-01-what-the-future-brings`)]);
  await setup.otlp.end(5000);
  assertEquals(collector.named("process")[0]!.links[0], { traceId: TRACE, spanId: SPAN });
});

const FAILURES: [string, HandlerResult, Record<string, string>, { code: number; message: string }][] = [
  ["failed", { ok: false, error: new Error("no mongodb://u:secret@host") }, { "error.type": "failed" }, {
    code: 2,
    message: "no mongodb://***@host",
  }],
  ["timed_out", { ok: false, error: new ProcessTimeoutError("too long") }, { "error.type": "timed_out" }, {
    code: 2,
    message: "too long",
  }],
  ["aborted", { ok: false, error: new ForcedStopError("stop") }, {}, { code: 0, message: "" }],
  ["snoozed", { ok: true, snoozeMs: 5 }, {}, { code: 0, message: "" }],
];
for (const [result, handlerResult, attributes, status] of FAILURES) {
  Deno.test(`Spans: a run that is ${result} shows it, and no secret`, async () => {
    await using collector = new OtlpReceiver();
    const setup = new OtlpSetup(collector);
    run(setup, [traced(undefined)], [handlerResult]);
    await setup.otlp.end(5000);
    const [span] = collector.named("process");
    assertEquals(span!.attributes["pulling_agent.result"], result);
    assertEquals(span!.attributes["error.type"], attributes["error.type"]);
    assertEquals(span!.status, status);
  });
}

Deno.test("Spans: the documents of a batch have a span each below that of the batch, which its handler gets", async () => {
  await using collector = new OtlpReceiver();
  const setup = new OtlpSetup(collector);
  const documents = [fakeDocument({ id: 1 }), traced(SAMPLED)];
  const traceparent = run(setup, documents, [OK, { ok: false, error: new Error("not this one") }]);
  await setup.otlp.end(5000);
  const [batch] = collector.named("process batch of");
  const [first, second] = collector.named("process shop.orders");
  assertEquals(traceparent, `00-${batch!.traceId}-${batch!.spanId}-01`);
  for (const span of [first!, second!]) {
    assertEquals([span.traceId, span.parentSpanId], [batch!.traceId, batch!.spanId]);
  }
  assertEquals(second!.links[0], { traceId: TRACE, spanId: SPAN });
  assertEquals([first!.status.code, second!.status.code], [0, 2]);
  assertEquals(collector.named("ack")[0]!.links.length, 2);
});

Deno.test("Spans: a batch without room for the spans of its documents has its span all the same, with the worst result", async () => {
  await using collector = new OtlpReceiver();
  const setup = new OtlpSetup(collector, { OTEL_BSP_MAX_QUEUE_SIZE: "3" });
  const documents = [1, 2, 3].map((id) => fakeDocument({ id }));
  const traceparent = run(setup, documents, [OK, { ok: false, error: new Error("not this one") }, OK]);
  await setup.otlp.end(5000);
  const [batch] = collector.named("process batch of");
  assertEquals(traceparent, `00-${batch!.traceId}-${batch!.spanId}-01`);
  assertEquals(batch!.status, { code: 2, message: "not this one" });
  assertEquals(collector.named("process shop.orders"), []);
});

Deno.test("Spans: an id that is long is cut, and one that is a secret of the agent is hidden", async () => {
  await using collector = new OtlpReceiver();
  const setup = new OtlpSetup(collector);
  run(setup, [fakeDocument({ id: "x".repeat(100_000) })]);
  await setup.otlp.end(5000);
  assertMatch(collector.named("process")[0]!.attributes["messaging.message.id"]!, /^x{256}…$/);
});

/** A sampler, the flags of the producer, and whether the document has a span. */
const SAMPLERS: [string, string | undefined, boolean][] = [
  ["parentbased_always_on", undefined, true],
  ["parentbased_always_on", UNSAMPLED, false],
  ["parentbased_always_off", SAMPLED, true],
  ["parentbased_always_off", undefined, false],
  ["always_on", UNSAMPLED, true],
  ["always_off", SAMPLED, false],
  ["parentbased_traceidratio", undefined, false],
  ["parentbased_traceidratio", SAMPLED, true],
  ["traceidratio", SAMPLED, false],
];
for (const [sampler, traceparent, isRecorded] of SAMPLERS) {
  const producer = traceparent === undefined
    ? "without a producer"
    : `of a ${traceparent === SAMPLED ? "sampled" : "dropped"} trace`;
  Deno.test(`OTEL_TRACES_SAMPLER: ${sampler} ${isRecorded ? "records" : "drops"} a document ${producer}`, async () => {
    await using collector = new OtlpReceiver();
    const env = { OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: "0" };
    const setup = new OtlpSetup(collector, env);
    const context = run(setup, [traced(traceparent)]);
    await setup.otlp.end(5000);
    assertMatch(context!, isRecorded ? /-01$/ : /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    assertEquals(collector.named("process").length, isRecorded ? 1 : 0);
    assertEquals(collector.named("ack").length, isRecorded ? 1 : 0);
  });
}
