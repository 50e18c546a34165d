import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { UsageError } from "../../../../agent/errors.ts";
import { loadSettings, readSetting } from "../../../../agent/settings/load_settings.ts";
import { secrets } from "../../../../agent/text/redact.ts";
import { TempDir } from "../../../support/temp_dir.ts";

const HOST = { hostName: "pod-1", isTerminal: false };
const REQUIRED = { MONGODB_URI: "mongodb://db", MONGODB_DATABASE: "shop", MONGODB_COLLECTION: "orders" };

function load(env: Record<string, string>, host = HOST) {
  return loadSettings((name) => env[name], host);
}

Deno.test("loadSettings() takes all defaults if only the required settings are given", () => {
  const { problems, values } = load(REQUIRED);
  assertEquals(problems, []);
  assertEquals(values, {
    mongodbUri: "mongodb://db",
    mongodbUriFile: undefined,
    onDeadLetter: undefined,
    onDeadLetterFile: undefined,
    mongodbDatabase: "shop",
    mongodbCollection: "orders",
    filter: undefined,
    processor: "log",
    processorBatch: false,
    execPassEnv: [],
    execProcesses: 1,
    httpHeadersFile: undefined,
    httpSigningSecretFile: undefined,
    httpCaFile: undefined,
    pollIntervalMs: 5000,
    batchSize: 100,
    concurrency: 16,
    processTimeoutMs: 60_000,
    leaseMs: 60_000,
    rateLimit: undefined,
    rateLimitScope: "agent",
    maxAttempts: 5,
    retryBackoffMs: 1000,
    retryBackoffMaxMs: 300_000,
    maxSnoozeMs: 604_800_000,
    breakerThreshold: 20,
    breakerCooldownMs: 10_000,
    deadLetterCollection: "orders_dead_letters",
    writesTo: undefined,
    readBack: "contended",
    claimMode: "document",
    changeStream: "auto",
    ensureIndexes: true,
    shutdownTimeoutMs: 30_000,
    heartbeatIntervalMs: 5000,
    fleet: "on",
    healthDir: "/tmp/health",
    controlFile: "/tmp/control/state",
    readyWhilePaused: false,
    agentName: "pod-1",
    logLevel: "INFO",
    logFormat: "json",
    metricsPort: undefined,
    metricsHost: "127.0.0.1",
    dashboardTokenFile: undefined,
    metricsFile: false,
    otelCertificate: undefined,
    otelDisabled: false,
    otelEndpoint: undefined,
    otelHeaders: [],
    otelHeadersFile: undefined,
    otelMaxSpans: 512,
    otelMetricIntervalMs: 60_000,
    otelMetricsEndpoint: undefined,
    otelMetricsExporter: "otlp",
    otelProtocol: "http/protobuf",
    otelResourceAttributes: [],
    otelServiceName: "pulling-agent",
    otelSpanDelayMs: 5000,
    otelTimeoutMs: 10_000,
    otelTracesEndpoint: undefined,
    otelTracesExporter: "otlp",
    otelTracesSampler: "parentbased_always_on",
    otelTracesSamplerArg: 1,
    traceField: "traceparent",
  });
});

Deno.test("loadSettings() logs text on a terminal", () => {
  assertEquals(load(REQUIRED, { ...HOST, isTerminal: true }).values.logFormat, "text");
});

Deno.test("loadSettings() takes blank variables for unset ones", () => {
  const blank = {
    POLL_INTERVAL: "",
    BATCH_SIZE: "   ",
    FILTER: "\n",
    AGENT_NAME: "\t",
    MONGODB_URI_FILE: " ",
  };
  assertEquals(load({ ...REQUIRED, ...blank }), load(REQUIRED));
  assertMatch(load({ ...REQUIRED, MONGODB_DATABASE: "  " }).problems[0]!, /^MONGODB_DATABASE is not set/);
});

Deno.test("loadSettings() ignores blanks around a value", () => {
  assertEquals(load({ ...REQUIRED, BATCH_SIZE: " 7\n", MONGODB_URI: " mongodb://db " }).values.batchSize, 7);
});

Deno.test("loadSettings() takes a number or the word auto for BATCH_SIZE, and nothing else", () => {
  assertEquals(load({ ...REQUIRED, BATCH_SIZE: "Auto" }).values.batchSize, "auto");
  assertEquals(
    load({ ...REQUIRED, BATCH_SIZE: "auto", CONCURRENCY: "1000" }).warnings,
    load(REQUIRED).warnings,
  );
  for (const wrong of ["0", "10001", "automatic", "1.5"]) {
    assertEquals(load({ ...REQUIRED, BATCH_SIZE: wrong }).problems, [
      `BATCH_SIZE is "${wrong}": must be a whole number from 1 to 10000, or auto`,
    ]);
  }
});

Deno.test("loadSettings() says what is missing and what to do about it", () => {
  assertEquals(load({}).problems, [
    "MONGODB_URI is not set: set it (or MONGODB_URI_FILE) to a connection string, as mongodb://localhost:27017",
    "MONGODB_DATABASE is not set: set it to the database to pull from",
    "MONGODB_COLLECTION is not set: set it to the collection to pull from",
  ]);
});

Deno.test("loadSettings() finds every problem at once, in the order of the table", () => {
  const { problems } = load({
    MONGODB_URI: "mongodb://db",
    MONGODB_DATABASE: "a b",
    BATCH_SIZE: "0",
    POLL_INTERVAL: "soon",
    LOG_LEVEL: "LOUD",
    READY_WHILE_PAUSED: "maybe",
  });
  assertEquals(problems.map((problem) => problem.split(" ", 1)[0]), [
    "MONGODB_DATABASE",
    "MONGODB_COLLECTION",
    "POLL_INTERVAL",
    "BATCH_SIZE",
    "READY_WHILE_PAUSED",
    "LOG_LEVEL",
  ]);
});

Deno.test("loadSettings() quotes the value it refuses, shortened if it is long", () => {
  assertMatch(
    load({ ...REQUIRED, BATCH_SIZE: "ten" }).problems[0]!,
    /^BATCH_SIZE is "ten": must be a whole number/,
  );
  const long = load({ ...REQUIRED, BATCH_SIZE: "x".repeat(1000) }).problems[0]!;
  assertMatch(long, /^BATCH_SIZE is "x{79}…":/);
});

Deno.test("loadSettings() never quotes credentials, in any variable", () => {
  const secret = `hunter2${"x".repeat(90)}`;
  for (
    const variable of ["MONGODB_URI_FILE", "MONGODB_DATABASE", "MONGODB_COLLECTION", "BATCH_SIZE"]
  ) {
    for (const uri of [`mongodb://user:${secret}@db/$x`, `mongodb://user:hunter2@db/$x`]) {
      const env: Record<string, string> = { ...REQUIRED, [variable]: uri };
      if (variable === "MONGODB_URI_FILE") delete env.MONGODB_URI;
      const { problems } = load(env);
      assertEquals(problems.length, 1, variable);
      assertEquals(problems.join().includes("hunter2"), false, problems.join());
    }
  }
});

Deno.test("loadSettings() reads the connection string from MONGODB_URI_FILE", async () => {
  await using dir = await TempDir.make();
  const { MONGODB_URI: _, ...rest } = REQUIRED;
  const { problems, values } = load({
    ...rest,
    MONGODB_URI_FILE: await dir.write("uri", " mongodb://user:secret@db/\n"),
  });
  assertEquals(problems, []);
  assertEquals(values.mongodbUri, "mongodb://user:secret@db/");
});

Deno.test("loadSettings() says what is wrong with MONGODB_URI_FILE", async () => {
  await using dir = await TempDir.make();
  const { MONGODB_URI: _, ...rest } = REQUIRED;
  const missing = load({ ...rest, MONGODB_URI_FILE: `${dir.path}/none` }).problems;
  assertEquals(missing, [
    `MONGODB_URI_FILE names "${dir.path}/none", which does not exist: mount it, or set MONGODB_URI`,
  ]);
  const directory = load({ ...rest, MONGODB_URI_FILE: dir.path }).problems;
  assertMatch(
    directory.join("|"),
    /^MONGODB_URI_FILE names "[^|]*", which is a directory: name the file in it$/,
  );
  const empty = load({ ...rest, MONGODB_URI_FILE: await dir.write("empty", " \n") }).problems;
  assertMatch(
    empty.join("|"),
    /^MONGODB_URI_FILE names "[^|]*", which is empty: write the connection string/,
  );
});

Deno.test("loadSettings() refuses MONGODB_URI and MONGODB_URI_FILE together", () => {
  assertEquals(load({ ...REQUIRED, MONGODB_URI_FILE: "anything" }).problems, [
    "MONGODB_URI and MONGODB_URI_FILE are both set: keep one of them",
  ]);
});

Deno.test("loadSettings() finds settings that contradict each other", () => {
  const backoffs = load({ ...REQUIRED, RETRY_BACKOFF: "10", RETRY_BACKOFF_MAX: "9999ms" }).problems;
  assertEquals(backoffs, ["RETRY_BACKOFF_MAX is below RETRY_BACKOFF: raise it to at least the same value"]);
  assertEquals(load({ ...REQUIRED, RETRY_BACKOFF: "10", RETRY_BACKOFF_MAX: "10" }).problems, []);
  const letters = load({ ...REQUIRED, DEAD_LETTER_COLLECTION: "orders" }).problems;
  assertMatch(letters.join("|"), /^DEAD_LETTER_COLLECTION is MONGODB_COLLECTION: [^|]*$/);
});

Deno.test("loadSettings() warns of handlers that can never have a document", () => {
  const env = { ...REQUIRED, PROCESSOR: "log" };
  assertMatch(
    load({ ...env, CONCURRENCY: "21", BATCH_SIZE: "10" }).warnings.join("|"),
    /^CONCURRENCY [^|]*$/,
  );
  assertEquals(load({ ...env, CONCURRENCY: "20", BATCH_SIZE: "10" }).warnings, []);
});

Deno.test("loadSettings() warns that documents are only marked, unless PROCESSOR says so itself", () => {
  for (const env of [REQUIRED, { ...REQUIRED, PROCESSOR: " " }]) {
    const { problems, warnings } = load(env);
    assertEquals(problems, []);
    assertMatch(warnings.join("|"), /^PROCESSOR is not set: documents are only marked as processed[^|]*$/);
  }
  assertEquals(load({ ...REQUIRED, PROCESSOR: "log" }).warnings, []);
});

Deno.test("loadSettings() refuses names that are too long together, those of the dead letters included", () => {
  const name = (bytes: number) => "ö".repeat(Math.floor(bytes / 2)) + "o".repeat(bytes % 2);
  const problems = (env: Record<string, string>) => load({ ...REQUIRED, ...env }).problems.join("|");
  // "shop." takes five bytes, "_dead_letters" thirteen.
  assertEquals(problems({ MONGODB_COLLECTION: name(237) }), "");
  assertMatch(
    problems({ MONGODB_COLLECTION: name(238) }),
    /^DEAD_LETTER_COLLECTION is not set, and its default makes a name of 256 bytes: MongoDB takes at most 255 \(235 if the collection is sharded\), [^|]*$/,
  );
  const given = { MONGODB_COLLECTION: name(250), DEAD_LETTER_COLLECTION: name(249) };
  assertEquals(problems(given), "");
  assertMatch(
    problems({ ...given, DEAD_LETTER_COLLECTION: name(251) }),
    /^DEAD_LETTER_COLLECTION makes a name of 256 bytes: [^|]*$/,
  );
  assertMatch(
    problems({ ...given, MONGODB_COLLECTION: name(251) }),
    /^MONGODB_COLLECTION makes a name of 256 bytes: [^|]*$/,
  );
});

Deno.test("loadSettings() refuses a control file that is in the way of the health files", () => {
  const env = { ...REQUIRED, HEALTH_DIR: "/tmp/health/" };
  for (const file of ["liveness", "readiness", "startup", "status.json", "agent.lock", "commands.lock"]) {
    assertMatch(
      load({ ...env, CONTROL_FILE: `/tmp/./health//${file}` }).problems.join("|"),
      /^CONTROL_FILE is "[^"|]*", which is a path of HEALTH_DIR's own: [^|]*$/,
    );
  }
  assertMatch(load({ ...env, CONTROL_FILE: "/tmp/health" }).problems.join("|"), /^CONTROL_FILE is /);
  assertMatch(load({ ...env, CONTROL_FILE: "/tmp" }).problems.join("|"), /^CONTROL_FILE is a directory/);
  assertEquals(load({ ...env, CONTROL_FILE: "/tmp/health/state" }).problems, []);
});

Deno.test("readSetting() reads one setting, for any values of the others", () => {
  assertEquals(readSetting("healthDir", () => undefined), "/tmp/health");
  const env: Record<string, string> = { HEARTBEAT_INTERVAL: "2", BATCH_SIZE: "nonsense" };
  assertEquals(readSetting("heartbeatIntervalMs", (name) => env[name]), 2000);
});

Deno.test("readSetting() throws a UsageError if its value is unusable", () => {
  const error = assertThrows(() => readSetting("heartbeatIntervalMs", () => "never"), UsageError);
  assertMatch(error.message, /^HEARTBEAT_INTERVAL is "never": must be a duration from 100ms to 5m/);
});

Deno.test("loadSettings() makes the connection string's secrets known, from the variable and from the file", async () => {
  await using dir = await TempDir.make();
  const file = `${dir.path}/uri`;
  await Deno.writeTextFile(file, "mongodb://user:word-of-the-file@db\n");
  load({ ...REQUIRED, MONGODB_URI: "mongodb://user:word-of-the-variable@db" });
  load({ ...REQUIRED, MONGODB_URI: "", MONGODB_URI_FILE: file });
  assertEquals<string>(secrets.text("word-of-the-variable, word-of-the-file"), "***, ***");
});
