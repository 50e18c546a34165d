import { ObjectId } from "mongodb";
import { assert, assertEquals } from "@std/assert";
import { agentBinary } from "../support/agent_home.ts";
import { testDatabase } from "../support/mongod.ts";
import { runScript, shellBlocks } from "../support/shell_blocks.ts";
import { TempDir } from "../support/temp_dir.ts";

/**
 * Lines of blocks without a mark that are not run, and why. A block that needs something this machine may lack carries
 * a mark after its language instead: `cluster` (see tests/k8s) or `registry`.
 */
const NOT_RUN: Record<string, string> = {
  "pulling-agent dashboard": "serves until it is stopped",
  "pulling-agent dashboard --allow-actions": "serves until it is stopped",
  "make dev": "goes on until it is stopped",
  'make dev FILE=examples/orders.jsonl PROCESSOR="exec:python3 worker.py"':
    "is run by tests/integration/dev_programs_test.ts, with the worker of the document",
  "make test": "is what runs this",
  "make test-all": "is what runs this",
  "make test-unit": "is run by what runs this",
  "make build": "has been done by what runs this",
  "COMPAT_URI='mongodb://...' deno task test:compat": "needs a server of the reader's",
  "pulling-agent dead-letters show 65f0c0ffee0123456789abcd": "names a letter of the reader's",
  "dist/pulling-agent try": "needs the reader's collection",
  "dist/pulling-agent try --id 65f0c0ffee0123456789abcd": "names a document of the reader's",
  "METRICS_PORT=9464 METRICS_HOST=0.0.0.0 pulling-agent run": "goes on until it is stopped",
  "curl http://localhost:9464/metrics": "asks the agent of the line before it",
  "pulling-agent metrics": "asks an agent that runs",
  "dist/pulling-agent": "goes on until it is stopped: replaced by a run that is stopped",
};

Deno.test("Docs: what can be run of the documents' shell blocks runs", async () => {
  await using db = await testDatabase("docs");
  // The document that docs/commands.md asks about.
  const document = { _id: new ObjectId("65f0c0ffee0123456789abcd"), status: "Pending", country: "FR" };
  await db.db.collection("orders").insertOne(document);
  await using home = await TempDir.make();
  await home.write("processor.js", "export default () => {};\n");
  await Deno.mkdir(`${home.path}/bin`);
  await Deno.symlink(agentBinary(), `${home.path}/bin/pulling-agent`);
  let commands = 0;
  for (const { file, line, text } of (await shellBlocks()).filter(({ mark }) => mark === "")) {
    const lines = text.trim().split("\n").filter((each) => NOT_RUN[each] === undefined);
    if (lines.length === 0) continue;
    // The addresses of the reader's become those of the test's; everything else is run as it stands.
    const script = lines.join("\n")
      .replaceAll(/MONGODB_URI="[^"]*"/g, `MONGODB_URI="${db.uri}"`)
      .replaceAll("module:./processor.js", `module:${home.path}/processor.js`)
      .replaceAll("dist/pulling-agent", agentBinary());
    const { code, text: said } = await runScript(script, {
      HEALTH_DIR: `${home.path}/health`,
      PATH: `${home.path}/bin:${Deno.env.get("PATH")}`,
      MONGODB_URI: db.uri,
      MONGODB_DATABASE: db.db.databaseName,
      MONGODB_COLLECTION: "orders",
    });
    assertEquals(code, 0, `${file}:${line}\n${script}\n${said}`);
    commands += lines.length;
  }
  assert(commands > 0);
});
