import { assertEquals, assertMatch } from "@std/assert";
import { childEnvironment } from "../../../../agent/processors/exec/child_environment.ts";
import { loadSettings } from "../../../../agent/settings/load_settings.ts";
import { OTLP_SETTINGS } from "../../../../agent/settings/otlp_settings.ts";
import { findTypos } from "../../../../agent/settings/typos.ts";
import { secrets } from "../../../../agent/text/redact.ts";
import { TempDir } from "../../../support/temp_dir.ts";

const HOST = { hostName: "pod-1", isTerminal: false };
const REQUIRED = {
  MONGODB_URI: "mongodb://db",
  MONGODB_DATABASE: "shop",
  MONGODB_COLLECTION: "orders",
  PROCESSOR: "log",
};

function load(env: Record<string, string>) {
  const all: Record<string, string> = { ...REQUIRED, ...env };
  return loadSettings((name) => all[name], HOST);
}

/** A value that cannot be used, and what is said of it. */
const BAD: [string, string, RegExp][] = [
  [
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    "grpc",
    /is "grpc": is not supported: set http\/protobuf.*4318.*nothing is pushed$/,
  ],
  [
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    "console",
    /must be http\/protobuf or http\/json; until then, nothing is pushed$/,
  ],
  [
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "collector:4318",
    /must be an address: write http:\/\/HOST:4318; until then/,
  ],
  ["OTEL_EXPORTER_OTLP_ENDPOINT", "http://c/#x", /has a #/],
  [
    "OTEL_EXPORTER_OTLP_TIMEOUT",
    "10s",
    /must be a duration from 1 to 600000 in milliseconds.*the default counts$/,
  ],
  ["OTEL_EXPORTER_OTLP_TIMEOUT", "0", /must be a duration/],
  ["OTEL_METRIC_EXPORT_INTERVAL", "-1", /must be a duration/],
  ["OTEL_TRACES_EXPORTER", "console", /must be one of otlp, none; until then, no traces are pushed$/],
  ["OTEL_METRICS_EXPORTER", "prometheus", /must be one of otlp, none; until then, no metrics are pushed$/],
  ["OTEL_TRACES_SAMPLER", "jaeger_remote", /must be one of .*the default counts$/],
  ["OTEL_TRACES_SAMPLER_ARG", "1.5", /must be a number from 0 to 1/],
  ["OTEL_TRACES_SAMPLER_ARG", "endpoint=http://x", /must be a number from 0 to 1/],
  ["OTEL_RESOURCE_ATTRIBUTES", "team", /has an entry \(number 1\) without a name/],
  ["OTEL_BSP_MAX_QUEUE_SIZE", "1000000", /must be a whole number from 1 to 20000/],
  ["OTEL_SDK_DISABLED", "maybe", /must be true or false/],
];
for (const [variable, value, said] of BAD) {
  Deno.test(`Settings: ${variable}=${value} is a warning in one sentence, and the agent works`, () => {
    const { problems, values, warnings } = load({ [variable]: value });
    assertEquals(problems, []);
    assertEquals(warnings.length, 1);
    assertMatch(warnings[0]!, said);
    assertMatch(warnings[0]!, new RegExp(`^${variable} is "`));
    for (const key of Object.keys(OTLP_SETTINGS)) assertEquals(key in values, true, key);
  });
}

Deno.test("Settings: every standard variable of OpenTelemetry has a value for the case that it cannot be used", () => {
  for (const { otherwise, variable } of Object.values(OTLP_SETTINGS)) {
    assertEquals(otherwise !== undefined, variable.startsWith("OTEL_"), variable);
  }
});

Deno.test("TRACE_FIELD is the agent's own: a value that cannot be used is refused", () => {
  assertMatch(load({ TRACE_FIELD: "$where" }).problems.join(), /^TRACE_FIELD is "\$where": must be the name/);
  assertMatch(load({ TRACE_FIELD: "spür" }).problems.join(), /in ASCII/);
  assertMatch(
    load({ TRACE_FIELD: "meta.traceparent" }).problems.join(),
    /at the top of the document, without a dot$/,
  );
});

Deno.test("OTEL_EXPORTER_OTLP_HEADERS are percent-decoded, and no message quotes them", () => {
  const { values } = load({
    OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20tok-en-1, x-org = 7 ,,a=b=c",
  });
  assertEquals(values.otelHeaders, [["authorization", "Bearer tok-en-1"], ["x-org", "7"], ["a", "b=c"]]);
  assertEquals(secrets.text("it got tok-en-1 and Bearer%20tok-en-1"), "it got *** and ***");
  const { warnings } = load({ OTEL_EXPORTER_OTLP_HEADERS: "x=fine,secret-without-name" });
  assertEquals(warnings, [
    "OTEL_EXPORTER_OTLP_HEADERS has an entry (number 2) that is not a header: write name=value, with commas between " +
    "them; until then, no headers are added",
  ]);
  assertEquals(
    load({ OTEL_EXPORTER_OTLP_HEADERS: "x=sécret-value" }).warnings.join().includes("cret-v"),
    false,
  );
  assertEquals(OTLP_SETTINGS.otelHeaders.parse.format(values.otelHeaders!).includes("tok-en"), false);
});

Deno.test("OTEL_EXPORTER_OTLP_HEADERS_FILE holds them, one a line, and a file that is missing is a warning", async () => {
  await using dir = await TempDir.make();
  const path = `${dir.path}/headers`;
  await Deno.writeTextFile(path, "authorization=Bearer tok-en-2\r\nx-org=7\n");
  const { values, warnings } = load({ OTEL_EXPORTER_OTLP_HEADERS_FILE: path });
  assertEquals(values.otelHeaders, [["authorization", "Bearer tok-en-2"], ["x-org", "7"]]);
  assertEquals(warnings, []);
  const missing = load({ OTEL_EXPORTER_OTLP_HEADERS_FILE: `${path}-2` });
  assertEquals([missing.problems, missing.warnings.length], [[], 1]);
  assertMatch(missing.warnings[0]!, /which does not exist: mount it, .*; until then, no headers are added$/);
});

Deno.test("Settings: variables of OpenTelemetry that the agent does not read are no typos of those that it does", () => {
  const others = [
    "OTEL_DENO",
    "OTEL_BLRP_SCHEDULE_DELAY",
    "OTEL_BLRP_MAX_QUEUE_SIZE",
    "OTEL_LOGS_EXPORTER",
    "OTEL_PROPAGATORS",
    "OTEL_LOG_LEVEL",
    "OTEL_EXPORTER_OTLP_LOGS_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    "OTEL_EXPORTER_OTLP_INSECURE",
    "OTEL_EXPORTER_OTLP_COMPRESSION",
    "OTEL_BSP_EXPORT_TIMEOUT",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
    "OTEL_METRIC_EXPORT_TIMEOUT",
    "OTEL_METRICS_EXEMPLAR_FILTER",
  ];
  assertEquals(findTypos(others, () => "1"), { problems: [], warnings: [] });
});

for (
  const [what, address] of [
    ["that is refused for its #", "http://c/?key=k-1-of-query#x"],
    ["without a scheme", "collector:4318/?a=1&key=k-1-of-query"],
    ["of another protocol", "grpc://user:pw-of-c@c:4317?key=k-1-of-query"],
    ["whose query is a key alone", "grpc://c?k-1-of-query"],
    ["whose key is encoded", "grpc://c?key=k%2d1-of-query"],
  ] as const
) {
  Deno.test(`OTEL_EXPORTER_OTLP_ENDPOINT: the warning about an address ${what} has no secret in it`, () => {
    for (const variable of ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]) {
      const { warnings } = load({ [variable]: address });
      assertMatch(warnings.join(), /is ".*\*\*\*/);
      assertEquals(/of-query|pw-of/.test(warnings.join()), false, warnings.join());
    }
  });
}

Deno.test("childEnvironment() leaves out the credentials of telemetry, also those that the agent does not read", () => {
  const addresses = {
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://c",
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "https://user:pass@c/",
    OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "https://c/?key=1",
    OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: "https://token@c/",
  };
  const kept = childEnvironment({
    OTEL_EXPORTER_OTLP_HEADERS: "a=b",
    OTEL_EXPORTER_OTLP_HEADERS_FILE: "/x",
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: "a=b",
    OTEL_EXPORTER_OTLP_LOGS_CLIENT_KEY: "/key.pem",
    ...addresses,
  }, []);
  assertEquals(kept, { OTEL_EXPORTER_OTLP_ENDPOINT: "http://c" });
  assertEquals(childEnvironment(addresses, Object.keys(addresses)), addresses);
});

Deno.test("Settings: an endpoint with the port of gRPC is a warning, and is used as it stands", () => {
  for (const variable of ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]) {
    const { problems, warnings } = load({ [variable]: "http://collector:4317" });
    assertEquals([problems, warnings.length], [[], 1]);
    assertMatch(warnings[0]!, /has port 4317, .*: name the port for OTLP over HTTP, most often 4318$/);
  }
  assertEquals(load({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318" }).warnings, []);
});
