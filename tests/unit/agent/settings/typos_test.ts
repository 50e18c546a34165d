import { assertEquals } from "@std/assert";
import { loadSettings } from "../../../../agent/settings/load_settings.ts";
import type { Setting } from "../../../../agent/settings/setting.ts";
import { SETTINGS } from "../../../../agent/settings/settings.ts";
import { findTypos } from "../../../../agent/settings/typos.ts";
import { ORDINARY_VARIABLES } from "../../../support/ordinary_variables.ts";

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
    ["BACTH_SIZE", "BATCH_SIZE"],
    ["SIZE_BATCH", "BATCH_SIZE"],
    ["batchSize", "BATCH_SIZE"],
    ["BATTCH_SIZE", "BATCH_SIZE"],
    ["PROCESOR", "PROCESSOR"],
    ["FILTERS", "FILTER"],
  ] as const
) {
  Deno.test(`findTypos() asks of ${variable} whether ${meant} was meant`, () => {
    assertEquals(findTypos([variable, "PATH"]), {
      problems: [],
      warnings: [`${variable} is set, which is not a setting of the agent: did you mean ${meant}?`],
    });
  });
}

/** Near misses of settings that decide what happens to documents, with a value that shows that they are meant. */
const HARMFUL = [
  ["PROCESOR", "PROCESSOR", "module:/processor.js"],
  ["PROCCESOR", "PROCESSOR", "./processor.mjs"],
  ["PORCESSOR", "PROCESSOR", "custom"],
  ["processor", "PROCESSOR", "module:/processor.js"],
  ["PULLING_AGENT_PROCESSOR", "PROCESSOR", "log"],
  ["FILTR", "FILTER", '{"kind": "order"}'],
  ["FLITER", "FILTER", '{"kind": "order"'],
  ["MAX_ATTEMPT", "MAX_ATTEMPTS", "1"],
  ["maxAttempts", "MAX_ATTEMPTS", "1"],
  ["ATTEMPTS_MAX", "MAX_ATTEMPTS", "1"],
  ["PROCESSOR_TIMEOUT", "PROCESS_TIMEOUT", "2m"],
  ["PROCESS-TIMEOUT", "PROCESS_TIMEOUT", "600"],
  ["LEASE_DURATIONS", "LEASE_DURATION", "120"],
  ["RETRY_BACKOF", "RETRY_BACKOFF", "1h"],
  ["MAX_SNOOZES", "MAX_SNOOZE", "7d"],
  ["BREAKER_TRESHOLD", "BREAKER_THRESHOLD", "0"],
  ["BREAKER_COOL_DOWN", "BREAKER_COOLDOWN", "1m"],
  ["RETRY_BACK_OFF_MAX", "RETRY_BACKOFF_MAX", "1h"],
  ["DEADLETTER_COLLECTION", "DEAD_LETTER_COLLECTION", "graveyard"],
  ["DEAD_LETTERS_COLLECTION", "DEAD_LETTER_COLLECTION", "graveyard"],
  ["WRITE_TO", "WRITES_TO", "invoices, audit"],
  ["RATELIMIT", "RATE_LIMIT", "50/s"],
  ["RATELIMIT_SCOPE", "RATE_LIMIT_SCOPE", "fleet"],
  ["READBACK", "READ_BACK", "always"],
  ["CLAIMMODE", "CLAIM_MODE", "range"],
  ["CONTROLFILE", "CONTROL_FILE", "/control/state"],
] as const;

for (const [variable, meant, value] of HARMFUL) {
  const env = (name: string) => name === variable ? value : undefined;

  Deno.test(`findTypos() refuses ${variable}=${value} while ${meant} is not set`, () => {
    assertEquals(findTypos([variable, "PATH"], env), {
      problems: [
        `${variable} is set, which is not a setting of the agent, and ${meant} is not set: rename it if you mean ` +
        `${meant}; if not, set ${meant} as well, to nothing for its default`,
      ],
      warnings: [],
    });
  });

  Deno.test(`findTypos() refuses no ${variable} once ${meant} is set, nor one whose value means something else`, () => {
    assertEquals(findTypos([variable, meant], env).problems, []);
    assertEquals(findTypos([variable], () => "Other things!").problems, []);
  });
}

Deno.test("findTypos() refuses near misses of exactly the settings that decide what happens to documents", () => {
  const settings = Object.values(SETTINGS as Record<string, Setting<unknown>>);
  const decisive = settings.filter(({ decides }) => decides !== undefined).map(({ variable }) => variable);
  assertEquals(new Set(HARMFUL.map(([, meant]) => meant as string)), new Set(decisive));
});

Deno.test("findTypos() ignores the usual variables of machines and containers, for any values", () => {
  assertEquals(ORDINARY_VARIABLES.length > 500, true, `${ORDINARY_VARIABLES.length}`);
  for (const value of ["1", "{}", "/path", "name", "log", "module:a", "always", ""]) {
    assertEquals(findTypos(ORDINARY_VARIABLES, () => value), { problems: [], warnings: [] });
  }
});

/** Names of Services of which Kubernetes makes variables that begin like settings. */
const SERVICES = [
  "PROCESSOR",
  "FILTER",
  "HTTP_PROCESSOR",
  "MONGODB",
  "BATCH",
  "LOG",
  "CONTROL",
  "AGENT",
  "POLL",
  "RETRY",
];

Deno.test("findTypos() says nothing of the variables that Kubernetes makes for Services", () => {
  const variables = SERVICES.flatMap((service) => [
    `${service}_SERVICE_HOST`,
    `${service}_SERVICE_PORT`,
    `${service}_SERVICE_PORT_HTTP`,
    `${service}_PORT`,
    `${service}_PORT_80_TCP`,
    `${service}_PORT_80_TCP_ADDR`,
    `${service}_PORT_80_TCP_PORT`,
    `${service}_PORT_80_TCP_PROTO`,
  ]);
  assertEquals(findTypos(variables, () => "80"), { problems: [], warnings: [] });
});

Deno.test("findTypos() says nothing of the settings themselves", () => {
  const variables = Object.values(SETTINGS as Record<string, Setting<unknown>>).map((each) => each.variable);
  assertEquals(findTypos(variables, () => "1"), { problems: [], warnings: [] });
});

const GOOD: Record<string, string> = {
  MONGODB_URI: "mongodb://db",
  MONGODB_DATABASE: "shop",
  MONGODB_COLLECTION: "orders",
};

for (
  const variable of Object.values(SETTINGS as Record<string, Setting<unknown>>).map((each) => each.variable)
) {
  Deno.test(`findTypos(): what Kubernetes sets for a Service is recognised as such in ${variable}`, () => {
    for (const link of ["tcp://10.0.0.1:80", "udp://10.0.0.1:53", "tcp://[fd00::1]:80"]) {
      const env = { ...GOOD, [variable]: link };
      const { problems, warnings } = loadSettings((name) => env[name]);
      const found = [...problems, ...warnings.filter((warning) => warning.includes("; until then, "))]
        .map((said) => said.replace(/; until then, .*$/, ""));
      const says = `${variable} is "${link}": this is what Kubernetes sets for a Service of that name: ` +
        "set enableServiceLinks: false in the pod, or rename the Service";
      assertEquals(found, [says]);
    }
  });
}
