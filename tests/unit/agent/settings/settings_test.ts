import { assert, assertEquals, assertMatch } from "@std/assert";
import { loadSettings } from "../../../../agent/settings/load_settings.ts";
import type { Setting } from "../../../../agent/settings/setting.ts";
import { SETTINGS } from "../../../../agent/settings/settings.ts";

const ENTRIES = Object.entries(SETTINGS as Record<string, Setting<unknown>>);
const HOST = { hostName: "pod-1", isTerminal: false };
const REQUIRED = { MONGODB_URI: "mongodb://db", MONGODB_DATABASE: "shop", MONGODB_COLLECTION: "orders" };

Deno.test("SETTINGS has exactly the agreed defaults", () => {
  const defaults = Object.fromEntries(
    ENTRIES.map(([, { variable, default: given, required }]) => [
      variable,
      required ? "(required)" : given ?? "(depends)",
    ]),
  );
  assertEquals(defaults, {
    MONGODB_URI: "(required)",
    MONGODB_URI_FILE: "(depends)",
    ON_DEAD_LETTER: "(depends)",
    ON_DEAD_LETTER_FILE: "(depends)",
    MONGODB_DATABASE: "(required)",
    MAX_SNOOZE: "7d",
    BREAKER_THRESHOLD: "20",
    BREAKER_COOLDOWN: "10",
    MONGODB_COLLECTION: "(required)",
    FILTER: "(depends)",
    PROCESSOR: "log",
    PROCESSOR_BATCH: "false",
    EXEC_PROCESSES: "1",
    EXEC_PASS_ENV: "(depends)",
    HTTP_HEADERS_FILE: "(depends)",
    HTTP_SIGNING_SECRET_FILE: "(depends)",
    HTTP_CA_FILE: "(depends)",
    POLL_INTERVAL: "5",
    BATCH_SIZE: "100",
    CONCURRENCY: "16",
    PROCESS_TIMEOUT: "60",
    LEASE_DURATION: "60",
    RATE_LIMIT: "(depends)",
    RATE_LIMIT_SCOPE: "agent",
    MAX_ATTEMPTS: "5",
    RETRY_BACKOFF: "1",
    RETRY_BACKOFF_MAX: "300",
    DEAD_LETTER_COLLECTION: "(depends)",
    WRITES_TO: "(depends)",
    READ_BACK: "contended",
    CLAIM_MODE: "document",
    CHANGE_STREAM: "auto",
    ENSURE_INDEXES: "true",
    SHUTDOWN_TIMEOUT: "30",
    HEARTBEAT_INTERVAL: "5",
    FLEET: "on",
    HEALTH_DIR: "/tmp/health",
    CONTROL_FILE: "/tmp/control/state",
    READY_WHILE_PAUSED: "false",
    AGENT_NAME: "(depends)",
    LOG_LEVEL: "INFO",
    LOG_FORMAT: "(depends)",
    METRICS_PORT: "(depends)",
    METRICS_HOST: "127.0.0.1",
    DASHBOARD_TOKEN_FILE: "(depends)",
    METRICS_FILE: "false",
    OTEL_EXPORTER_OTLP_ENDPOINT: "(depends)",
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "(depends)",
    OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "(depends)",
    OTEL_EXPORTER_OTLP_HEADERS: "(depends)",
    OTEL_EXPORTER_OTLP_HEADERS_FILE: "(depends)",
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
    OTEL_EXPORTER_OTLP_TIMEOUT: "10000",
    OTEL_EXPORTER_OTLP_CERTIFICATE: "(depends)",
    OTEL_TRACES_EXPORTER: "otlp",
    OTEL_METRICS_EXPORTER: "otlp",
    OTEL_METRIC_EXPORT_INTERVAL: "60000",
    OTEL_SERVICE_NAME: "pulling-agent",
    OTEL_RESOURCE_ATTRIBUTES: "(depends)",
    OTEL_TRACES_SAMPLER: "parentbased_always_on",
    OTEL_TRACES_SAMPLER_ARG: "1",
    OTEL_BSP_SCHEDULE_DELAY: "5000",
    OTEL_BSP_MAX_QUEUE_SIZE: "512",
    OTEL_SDK_DISABLED: "false",
    TRACE_FIELD: "traceparent",
  });
});

Deno.test("SETTINGS: every variable is named once, in capitals, and every doc is a sentence", () => {
  const variables = ENTRIES.map(([, { variable }]) => variable);
  assertEquals(new Set(variables).size, variables.length);
  for (const [, { doc, variable }] of ENTRIES) {
    assertMatch(variable, /^[A-Z]+(_[A-Z]+)*$/);
    assertMatch(doc, /^[A-Z`].*\.$/s, variable);
  }
});

Deno.test("SETTINGS: every default passes its own check, and is described if it depends on something else", () => {
  for (const [, { default: given, defaultText, fallback, parse, required, variable }] of ENTRIES) {
    if (given !== undefined) parse(given);
    else if (!required) assert(fallback && defaultText, variable);
  }
});

Deno.test("SETTINGS: durations are in milliseconds, and only they are named so", () => {
  for (const [key, { parse }] of ENTRIES) {
    assertEquals(key.endsWith("Ms"), parse.accepts.startsWith("a duration"), key);
  }
});

/** The least and the greatest value of every setting that has a range, and what lies just beyond. */
const RANGES: Record<string, { good: string[]; bad: string[] }> = {
  POLL_INTERVAL: { good: ["10ms", "1d"], bad: ["9ms", "0", "86401"] },
  BATCH_SIZE: { good: ["1", "10000"], bad: ["0", "10001", "-1", "1.5"] },
  CONCURRENCY: { good: ["1", "10000"], bad: ["0", "10001"] },
  PROCESS_TIMEOUT: { good: ["10ms", "24h"], bad: ["9ms", "25h"] },
  LEASE_DURATION: { good: ["1", "1d"], bad: ["999ms", "86401"] },
  MAX_ATTEMPTS: { good: ["1", "1000"], bad: ["0", "1001"] },
  MAX_SNOOZE: { good: ["1", "7d", "365d"], bad: ["0", "-1", "366d", "week"] },
  BREAKER_THRESHOLD: { good: ["0", "1", "1000"], bad: ["-1", "1001", "2.5"] },
  BREAKER_COOLDOWN: { good: ["100ms", "10", "1d"], bad: ["99ms", "0", "86401"] },
  RETRY_BACKOFF_MAX: { good: ["1", "30d"], bad: ["31d"] },
  SHUTDOWN_TIMEOUT: { good: ["0", "1d"], bad: ["-1", "86401"] },
  HEARTBEAT_INTERVAL: { good: ["100ms", "300"], bad: ["99ms", "301"] },
};
for (const [variable, { good, bad }] of Object.entries(RANGES)) {
  const problemsWith = (value: string) =>
    loadSettings((name) => ({ ...REQUIRED, [variable]: value } as Record<string, string>)[name], HOST)
      .problems;
  Deno.test(`SETTINGS: ${variable} accepts ${good.join(" and ")}`, () => {
    for (const value of good) assertEquals(problemsWith(value), []);
  });
  Deno.test(`SETTINGS: ${variable} refuses ${bad.join(", ")}`, () => {
    for (const value of bad) {
      const [problem, ...more] = problemsWith(value);
      assertMatch(problem ?? "", new RegExp(`^${variable} is "${value}": must be a`));
      assertEquals(more, []);
    }
  });
}
