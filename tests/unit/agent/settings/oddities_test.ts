import { assertEquals } from "@std/assert";
import { loadSettings } from "../../../../agent/settings/load_settings.ts";

const REQUIRED = { MONGODB_URI: "mongodb://db", MONGODB_DATABASE: "shop", MONGODB_COLLECTION: "orders" };

function warningsOf(env: Record<string, string>): string[] {
  const given: Record<string, string> = { ...REQUIRED, ...env };
  const { problems, warnings } = loadSettings((name) => given[name]);
  assertEquals(problems, []);
  return warnings;
}

const OF_KINDS = {
  PROCESSOR_BATCH: "true",
  HTTP_HEADERS_FILE: "/headers",
  HTTP_SIGNING_SECRET_FILE: "/secret",
  HTTP_CA_FILE: "/ca.pem",
  EXEC_PROCESSES: "2",
  EXEC_PASS_ENV: "MONGODB_URI",
};

for (
  const [processor, expected] of [
    ["module:x.js", Object.keys(OF_KINDS)],
    ["log", Object.keys(OF_KINDS)],
    ["exec:./x", ["HTTP_HEADERS_FILE", "HTTP_SIGNING_SECRET_FILE", "HTTP_CA_FILE"]],
    ["http://orders/new", ["HTTP_CA_FILE", "EXEC_PROCESSES", "EXEC_PASS_ENV"]],
    ["https://orders/new", ["EXEC_PROCESSES", "EXEC_PASS_ENV"]],
  ] as const
) {
  Deno.test(`loadSettings() warns about settings that do nothing for PROCESSOR=${processor}`, () => {
    assertEquals(
      warningsOf({ ...OF_KINDS, PROCESSOR: processor }),
      expected.map((variable) =>
        `${variable} is set, and does nothing for this kind of PROCESSOR: leave it out`
      ),
    );
  });
}

Deno.test("loadSettings() takes files for requests as used if ON_DEAD_LETTER has requests of that kind", () => {
  const files = {
    HTTP_SIGNING_SECRET_FILE: "/secret",
    HTTP_CA_FILE: "/ca.pem",
    HTTP_HEADERS_FILE: "/headers",
  };
  const unused = (ON_DEAD_LETTER: string) =>
    warningsOf({ ...files, PROCESSOR: "exec:./x", ON_DEAD_LETTER }).map((warning) => warning.split(" ")[0]);
  assertEquals(unused("https://hooks/x"), ["HTTP_HEADERS_FILE"]);
  assertEquals(unused("http://hooks/x"), ["HTTP_HEADERS_FILE", "HTTP_CA_FILE"]);
});

for (
  const [env, expected] of [
    [
      { EXEC_PROCESSES: "8", CONCURRENCY: "4" },
      "EXEC_PROCESSES is 8, but CONCURRENCY lets only 4 work at the same time: lower EXEC_PROCESSES, or raise CONCURRENCY",
    ],
    [
      { EXEC_PROCESSES: "3", PROCESSOR_BATCH: "true" },
      "EXEC_PROCESSES is 3, but with PROCESSOR_BATCH only 2 full batches are held at once, so the other processes have " +
      "little work: lower EXEC_PROCESSES",
    ],
    [{ EXEC_PROCESSES: "4", CONCURRENCY: "4" }, undefined],
    [{ EXEC_PROCESSES: "2", PROCESSOR_BATCH: "true" }, undefined],
  ] as const
) {
  Deno.test(`loadSettings() warns about processes without work: ${JSON.stringify(env)}`, () => {
    assertEquals(warningsOf({ ...env, PROCESSOR: "exec:./x" }), expected === undefined ? [] : [expected]);
  });
}

for (
  const [env, expected] of [
    [{ HTTPS_PROXY: "http://agent:word@proxy:3128" }, "HTTPS_PROXY"],
    [{ all_proxy: "agent:word@proxy:3128" }, "all_proxy"],
    [{ HTTPS_PROXY: "http://proxy:3128", ALL_PROXY: "http://agent:word@proxy:3128" }, undefined],
    [{ HTTP_PROXY: "http://agent:word@proxy:3128" }, undefined],
  ] as const
) {
  Deno.test(`loadSettings() warns if a service gets the credentials of a proxy: ${JSON.stringify(env)}`, () => {
    const found = warningsOf({ ...env, PROCESSOR: "https://orders/new" });
    assertEquals(
      found,
      expected === undefined ? [] : [
        `${expected} has credentials, and the service gets them as well: use a proxy that needs none, unless you ` +
        "trust the service with them",
      ],
    );
    assertEquals(warningsOf({ ...env, PROCESSOR: "http://orders/new" }), []);
  });
}
