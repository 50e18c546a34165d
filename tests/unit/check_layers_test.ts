import { assertEquals, assertStringIncludes } from "@std/assert";
import { checkLayers } from "../../scripts/check_layers.ts";

/** Runs the checker on a tree of the given files. */
async function violationsOf(files: Record<string, string>): Promise<string[]> {
  const root = await Deno.makeTempDir();
  try {
    for (const [path, text] of Object.entries(files)) {
      await Deno.mkdir(`${root}/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeTextFile(`${root}/${path}`, text);
    }
    return await checkLayers(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

const EMPTY = "export {};\n";

const FORBIDDEN: { name: string; files: Record<string, string>; says: string }[] = [
  {
    name: "agent importing control",
    files: { "agent/loop.ts": 'import "../control/file.ts";', "control/file.ts": EMPTY },
    says: "agent/loop.ts:1 imports control/file.ts: agent may import only agent",
  },
  {
    name: "agent importing a type of health",
    files: {
      "agent/loop.ts": 'import type { A } from "../health/status.ts"; export type B = A;',
      "health/status.ts": "export type A = 1;",
    },
    says: "agent may import only agent",
  },
  {
    name: "health importing control",
    files: { "health/status.ts": 'import "../control/file.ts";', "control/file.ts": EMPTY },
    says: "health may import only health, agent",
  },
  {
    name: "agent importing the protocol's model",
    files: { "agent/loop.ts": 'import "../models/explorer.ts";', "models/explorer.ts": EMPTY },
    says: "agent/loop.ts:1 imports models/explorer.ts: agent may import only agent",
  },
  {
    name: "the protocol's model importing agent",
    files: { "models/claims.ts": 'import "../agent/loop.ts";', "agent/loop.ts": EMPTY },
    says: "models/claims.ts:1 imports agent/loop.ts: models may import only models",
  },
  {
    name: "the page of the dashboard importing code of the server",
    files: {
      "control/dashboard/page/page.tsx": 'import "../server.ts";',
      "control/dashboard/server.ts": EMPTY,
    },
    says:
      "control/dashboard/page/page.tsx:1 imports control/dashboard/server.ts: control/dashboard/page/ is for",
  },
  {
    name: "the server of the dashboard importing a type of its page",
    files: {
      "control/dashboard/server.ts": 'import type { A } from "./page/route.ts"; export type B = A;',
      "control/dashboard/page/route.ts": "export type A = 1;",
    },
    says:
      "control/dashboard/server.ts:1 imports control/dashboard/page/route.ts: control/dashboard/page/ is for",
  },
  {
    name: "the witness importing agent",
    files: { "tests/witness/judge.ts": 'import "../../agent/ports.ts";', "agent/ports.ts": EMPTY },
    says: "tests/witness/judge.ts:1 imports agent/ports.ts: tests/witness may import only tests/witness",
  },
  {
    name: "the witness importing a helper of the tests",
    files: { "tests/witness/judge.ts": 'import "../support/wait.ts";', "tests/support/wait.ts": EMPTY },
    says:
      "tests/witness/judge.ts:1 imports tests/support/wait.ts: tests/witness may import only tests/witness",
  },
  {
    name: "the witness importing another package",
    files: { "tests/witness/judge.ts": 'import "npm:mongoose";' },
    says:
      "tests/witness/judge.ts:1 imports mongoose: tests/witness/ may import only the driver, bson and @std",
  },
  {
    name: "the program importing a script",
    files: { "main.ts": 'await import("./scripts/dev.ts");', "scripts/dev.ts": EMPTY },
    says: "main.ts:1 imports scripts/dev.ts: main.ts may import only main.ts, control, health, agent",
  },
  {
    name: "a leaf importing more than leaves",
    files: { "agent/lib/clock.ts": 'import "../ports.ts";', "agent/ports.ts": EMPTY },
    says: "agent/lib/clock.ts:1 imports agent/ports.ts: it is a leaf",
  },
  {
    name: "a concept importing one that comes before it",
    files: { "agent/leases/ledger.ts": 'import "../claiming/loop.ts";', "agent/claiming/loop.ts": EMPTY },
    says:
      "agent/leases/ledger.ts:1 imports agent/claiming/loop.ts: agent/leases/ comes after agent/claiming/",
  },
  {
    name: "the agent importing its store",
    files: { "agent/loop.ts": 'import "./store/claim.ts";', "agent/store/claim.ts": EMPTY },
    says: "only main.ts, control/, agent/store/ may",
  },
  {
    name: "a part that few processors need loaded with the rest",
    files: { "agent/processors/load.ts": 'import "./http/http.ts";', "agent/processors/http/http.ts": EMPTY },
    says:
      "agent/processors/load.ts:1 imports agent/processors/http/http.ts: it is loaded only if a setting needs it",
  },
  {
    name: "what pushes telemetry loaded with the rest",
    files: { "control/run.ts": 'import "./otlp/otlp.ts";', "control/otlp/otlp.ts": EMPTY },
    says: "control/run.ts:1 imports control/otlp/otlp.ts: it is loaded only if a setting needs it",
  },
  {
    name: "the driver outside the store",
    files: { "control/file.ts": '\nimport { Long } from "bson";\nexport { Long };' },
    says: "control/file.ts:2 imports bson: only agent/store/ may load the driver",
  },
  {
    name: "the driver reachable from main.ts",
    files: {
      "main.ts": 'import "./agent/store/claim.ts";',
      "agent/store/claim.ts": 'import { MongoClient } from "npm:mongodb@7"; export { MongoClient };',
    },
    says: "main.ts loads the driver at start: main.ts -> agent/store/claim.ts -> mongodb",
  },
  {
    name: "an import cycle",
    files: {
      "agent/a.ts": 'import "./b.ts";',
      "agent/b.ts": 'import "./c.ts";',
      "agent/c.ts": 'import "./b.ts";',
    },
    says: "Import cycle: agent/b.ts -> agent/c.ts -> agent/b.ts",
  },
  {
    name: "a long file",
    files: { "agent/a.ts": EMPTY, "scripts/long.ts": "\n".repeat(301) },
    says: "scripts/long.ts has 301 lines",
  },
  {
    name: "a file that does not parse",
    files: { "agent/a.ts": "import {" },
    says: "Cannot parse",
  },
];

for (const { name, files, says } of FORBIDDEN) {
  Deno.test(`checkLayers() reports ${name}`, async () => {
    const violations = await violationsOf(files);
    assertEquals(violations.length, 1, violations.join("\n"));
    assertStringIncludes(violations[0]!, says);
  });
}

Deno.test("checkLayers() accepts what the rules allow", async () => {
  const violations = await violationsOf({
    "main.ts": [
      'import "./control/file.ts";',
      'await import("./agent/store/claim.ts");',
      "",
    ].join("\n"),
    "agent/lib/backoff.ts": 'import "./errors.ts"; import "@std/assert";',
    "agent/errors.ts": EMPTY,
    "agent/loop.ts": 'import type { Document } from "bson"; import "./backoff.ts"; export type D = Document;',
    "agent/exec.ts": 'export const { EJSON } = await import("bson");',
    "agent/store/claim.ts": 'import "mongodb"; import "./index.ts"; import "../errors.ts";',
    "agent/store/index.ts": EMPTY,
    "agent/version.ts":
      'import config from "../deno.json" with { type: "json" }; export const { version } = config;',
    "deno.json": '{ "version": "1.0.0" }',
    "control/file.ts": 'import "../health/status.ts"; import "../agent/loop.ts";',
    "control/commands/run_command.ts": 'await import("../agent/store/claim.ts");',
    "health/status.ts": 'import "../agent/loop.ts";',
    "tests/store_test.ts": 'import "../agent/store/claim.ts";',
  });
  assertEquals(violations, []);
});
