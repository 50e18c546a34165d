import { setting } from "./declare.ts";
import * as otlp from "./otlp_parsers.ts";
import * as parse from "./parse.ts";

const DEFAULT_COUNTS = "the default counts";

/** Where metrics and traces are pushed to: the standard variables of OpenTelemetry that the agent reads. */
export const OTLP_SETTINGS = {
  otelEndpoint: setting<string | undefined>({
    variable: "OTEL_EXPORTER_OTLP_ENDPOINT",
    parse: otlp.endpoint,
    fallback: () => undefined,
    defaultText: "none: nothing is pushed",
    otherwise: { value: undefined, so: "nothing is pushed there" },
    doc:
      "Where metrics and traces are pushed to, by OTLP over HTTP: the address of a collector, without `/v1/traces` and `/v1/metrics`.",
  }),
  otelTracesEndpoint: setting<string | undefined>({
    variable: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    parse: otlp.endpoint,
    fallback: () => undefined,
    defaultText: "`OTEL_EXPORTER_OTLP_ENDPOINT` with `/v1/traces`",
    otherwise: { value: undefined, so: "OTEL_EXPORTER_OTLP_ENDPOINT counts" },
    doc: "The whole address for traces, if it differs.",
  }),
  otelMetricsEndpoint: setting<string | undefined>({
    variable: "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    parse: otlp.endpoint,
    fallback: () => undefined,
    defaultText: "`OTEL_EXPORTER_OTLP_ENDPOINT` with `/v1/metrics`",
    otherwise: { value: undefined, so: "OTEL_EXPORTER_OTLP_ENDPOINT counts" },
    doc: "The whole address for metrics, if it differs.",
  }),
  otelHeaders: setting<readonly otlp.Pair[]>({
    variable: "OTEL_EXPORTER_OTLP_HEADERS",
    parse: otlp.headers,
    fallback: () => [],
    defaultText: "none",
    file: { variable: "OTEL_EXPORTER_OTLP_HEADERS_FILE", holds: "the headers" },
    secret: true,
    otherwise: { value: [], so: "no headers are added" },
    doc: "Headers of each request, such as `authorization=Bearer%20TOKEN`, with commas between them.",
  }),
  otelHeadersFile: setting<string | undefined>({
    variable: "OTEL_EXPORTER_OTLP_HEADERS_FILE",
    namesSecrets: true,
    parse: parse.text("the path of a file"),
    fallback: () => undefined,
    defaultText: "none",
    otherwise: { value: undefined, so: "no headers are added" },
    doc:
      "A file that holds these headers, instead of `OTEL_EXPORTER_OTLP_HEADERS`. It is read again: a token in it may be replaced.",
  }),
  otelProtocol: setting<otlp.OtlpProtocol | undefined>({
    variable: "OTEL_EXPORTER_OTLP_PROTOCOL",
    parse: otlp.protocol,
    default: "http/protobuf",
    otherwise: { value: undefined, so: "nothing is pushed" },
    doc: "`http/protobuf` or `http/json`. The agent does not speak gRPC.",
  }),
  otelTimeoutMs: setting<number>({
    variable: "OTEL_EXPORTER_OTLP_TIMEOUT",
    parse: otlp.milliseconds(1, 600_000),
    default: "10000",
    otherwise: { value: 10_000, so: DEFAULT_COUNTS },
    doc: "How long the collector may take to answer a request.",
  }),
  otelCertificate: setting<string | undefined>({
    variable: "OTEL_EXPORTER_OTLP_CERTIFICATE",
    parse: parse.text("the path of a file"),
    fallback: () => undefined,
    defaultText: "none",
    otherwise: { value: undefined, so: "only the usual authorities are trusted" },
    doc:
      "A file with the certificates (PEM) of your own authority, which the collector's certificate is checked against.",
  }),
  otelTracesExporter: setting<"otlp" | "none">({
    variable: "OTEL_TRACES_EXPORTER",
    parse: parse.choice("otlp", "none"),
    default: "otlp",
    otherwise: { value: "none", so: "no traces are pushed" },
    doc: "`none` pushes no traces.",
  }),
  otelMetricsExporter: setting<"otlp" | "none">({
    variable: "OTEL_METRICS_EXPORTER",
    parse: parse.choice("otlp", "none"),
    default: "otlp",
    otherwise: { value: "none", so: "no metrics are pushed" },
    doc: "`none` pushes no metrics.",
  }),
  otelMetricIntervalMs: setting<number>({
    variable: "OTEL_METRIC_EXPORT_INTERVAL",
    parse: otlp.milliseconds(100, 86_400_000),
    default: "60000",
    otherwise: { value: 60_000, so: DEFAULT_COUNTS },
    doc: "How often metrics are pushed. They are also pushed when the agent ends.",
  }),
  otelServiceName: setting<string>({
    variable: "OTEL_SERVICE_NAME",
    parse: parse.text("a name"),
    default: "pulling-agent",
    otherwise: { value: "pulling-agent", so: DEFAULT_COUNTS },
    doc: "The attribute `service.name` of all that is pushed.",
  }),
  otelResourceAttributes: setting<readonly otlp.Pair[]>({
    variable: "OTEL_RESOURCE_ATTRIBUTES",
    parse: otlp.attributes,
    fallback: () => [],
    defaultText: "none",
    otherwise: { value: [], so: "no attributes are added" },
    doc: "More attributes of all that is pushed, such as `deployment.environment.name=production`.",
  }),
  otelTracesSampler: setting<Sampler>({
    variable: "OTEL_TRACES_SAMPLER",
    parse: parse.choice(
      "parentbased_always_on",
      "parentbased_always_off",
      "parentbased_traceidratio",
      "always_on",
      "always_off",
      "traceidratio",
    ),
    default: "parentbased_always_on",
    otherwise: { value: "parentbased_always_on", so: DEFAULT_COUNTS },
    doc:
      "Which documents have a span. `parentbased_` follows the sampled flag of the document's own `traceparent`, if it has one.",
  }),
  otelTracesSamplerArg: setting<number>({
    variable: "OTEL_TRACES_SAMPLER_ARG",
    parse: otlp.share,
    default: "1",
    otherwise: { value: 1, so: DEFAULT_COUNTS },
    doc: "The share of traces of a sampler that is called `traceidratio`.",
  }),
  otelSpanDelayMs: setting<number>({
    variable: "OTEL_BSP_SCHEDULE_DELAY",
    parse: otlp.milliseconds(50, 3_600_000),
    default: "5000",
    otherwise: { value: 5000, so: DEFAULT_COUNTS },
    doc: "How often spans are pushed. They are also pushed when the agent ends.",
  }),
  otelMaxSpans: setting<number>({
    variable: "OTEL_BSP_MAX_QUEUE_SIZE",
    parse: parse.integer(1, 20_000),
    default: "512",
    otherwise: { value: 512, so: DEFAULT_COUNTS },
    doc:
      "Most spans that are open or wait to be pushed. Beyond them documents have no span, and a batch has one instead of one for each document, too.",
  }),
  otelDisabled: setting<boolean>({
    variable: "OTEL_SDK_DISABLED",
    parse: parse.boolean,
    default: "false",
    otherwise: { value: false, so: DEFAULT_COUNTS },
    doc: "`true` pushes nothing, no matter what else is set.",
  }),
  traceField: setting<string>({
    variable: "TRACE_FIELD",
    parse: otlp.fieldName,
    default: "traceparent",
    doc:
      "Field at the top of a document with the W3C `traceparent` of the program that inserted it. The document's span is linked to it.",
  }),
} as const;

/** The samplers that the standard names, and that need no other program. */
type Sampler =
  | "parentbased_always_on"
  | "parentbased_always_off"
  | "parentbased_traceidratio"
  | "always_on"
  | "always_off"
  | "traceidratio";
