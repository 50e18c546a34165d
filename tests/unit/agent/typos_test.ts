import { assertEquals } from "@std/assert";
import { loadSettings } from "../../../agent/load_settings.ts";
import { type Setting, SETTINGS } from "../../../agent/settings.ts";
import { typoWarnings } from "../../../agent/typos.ts";

for (
  const [variable, meant] of [
    ["PULLING_AGENT_BATCH_SIZE", "BATCH_SIZE"],
    ["BATCHSIZE", "BATCH_SIZE"],
    ["batch_size", "BATCH_SIZE"],
    ["Batch-Size", "BATCH_SIZE"],
    ["BATCH_SIZES", "BATCH_SIZE"],
    ["MONGO_URI", "MONGODB_URI"],
    ["MONGODB_URL", "MONGODB_URI"],
    ["POLL_INTERVALL", "POLL_INTERVAL"],
    ["LEASE_DURATIONS", "LEASE_DURATION"],
    ["MAX_ATTEMPT", "MAX_ATTEMPTS"],
    ["PULLING_AGENT_LOG_LEVEL", "LOG_LEVEL"],
    ["CHANGE_STREAMS", "CHANGE_STREAM"],
  ] as const
) {
  Deno.test(`typoWarnings() asks of ${variable} whether ${meant} was meant`, () => {
    const [warning, ...more] = typoWarnings([variable, "PATH"]);
    assertEquals(warning, `${variable} is set, which is no setting of the agent: did you mean ${meant}?`);
    assertEquals(more, []);
  });
}

/** What containers usually have in their environment. */
const ORDINARY =
  `PATH HOME HOSTNAME HOST PWD OLDPWD SHLVL SHELL TERM USER LOGNAME LANG LANGUAGE LC_ALL LC_CTYPE TZ TMPDIR TMP TEMP
  EDITOR PAGER DISPLAY MAIL COLUMNS LINES NO_COLOR FORCE_COLOR DEBUG CI PORT NODE_ENV NODE_OPTIONS NODE_NAME POD_NAME POD_NAMESPACE
  POD_IP HOST_IP NAMESPACE SERVICE_ACCOUNT KUBERNETES_PORT KUBERNETES_SERVICE_HOST KUBERNETES_SERVICE_PORT
  KUBERNETES_SERVICE_PORT_HTTPS KUBERNETES_PORT_443_TCP KUBERNETES_PORT_443_TCP_ADDR KUBERNETES_PORT_443_TCP_PORT
  KUBERNETES_PORT_443_TCP_PROTO MONGODB_SERVICE_HOST MONGODB_SERVICE_PORT MONGODB_PORT MONGODB_PORT_27017_TCP MONGODB_USERNAME
  MONGODB_PASSWORD MONGODB_HOST HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy SSL_CERT_FILE SSL_CERT_DIR
  XDG_CONFIG_HOME XDG_RUNTIME_DIR AWS_REGION AWS_DEFAULT_REGION AWS_ROLE_ARN GOOGLE_APPLICATION_CREDENTIALS OTEL_SERVICE_NAME
  OTEL_EXPORTER_OTLP_ENDPOINT OTEL_RESOURCE_ATTRIBUTES GOMAXPROCS GODEBUG JAVA_HOME PYTHONPATH PYTHONUNBUFFERED DENO_DIR
  DENO_TLS_CA_STORE LD_LIBRARY_PATH LD_PRELOAD MALLOC_ARENA_MAX container APP_NAME APP_ENV VERSION GIT_COMMIT BUILD_ID`;

Deno.test("typoWarnings() says nothing of what containers usually have in their environment", () => {
  const variables = ORDINARY.split(/\s+/);
  assertEquals(variables.length > 60, true);
  assertEquals(typoWarnings(variables), []);
});

Deno.test("typoWarnings() says nothing of the settings themselves", () => {
  const variables = Object.values(SETTINGS as Record<string, Setting<unknown>>).map((each) => each.variable);
  assertEquals(typoWarnings(variables), []);
});

const GOOD: Record<string, string> = {
  MONGODB_URI: "mongodb://db",
  MONGODB_DATABASE: "shop",
  MONGODB_COLLECTION: "orders",
};

for (
  const variable of Object.values(SETTINGS as Record<string, Setting<unknown>>).map((each) => each.variable)
) {
  Deno.test(`What Kubernetes sets for a Service is recognised as such in ${variable}`, () => {
    for (const link of ["tcp://10.0.0.1:80", "udp://10.0.0.1:53", "tcp://[fd00::1]:80"]) {
      const env = { ...GOOD, [variable]: link };
      const found = loadSettings((name) => env[name]).problems;
      const says = `${variable} is "${link}": this is what Kubernetes sets for a Service of that name: ` +
        "set enableServiceLinks: false in the pod, or rename the Service";
      assertEquals(found, [says]);
    }
  });
}
