import { assertEquals, assertStringIncludes } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { documentsOf, insertPending, upTo } from "../support/documents.ts";
import { testDatabase } from "../support/mongod.ts";
import { waitFor } from "../support/wait.ts";

const MODULE =
  `export default ({ _id }) => ({ writes: [{ collection: "invoices", insertOne: { order: _id } }] });`;

Deno.test("run --until-empty on a standalone server gives up after a minute if its processor asks for writes, and says why", async () => {
  await using database = await testDatabase("effects", { standalone: true });
  await insertPending(database, upTo(5));
  await using home = await agentHome({ db: database, module: MODULE });
  const agent = await home.start({ args: ["run", "--until-empty"] });
  const first = await agent.log("Cannot write the outcome (ack_with_writes), trying again");
  assertEquals(first.level, "ERROR");
  await waitFor("it not to be ready", async () => !await home.probe("readiness"));
  assertEquals((await agent.exit({ timeoutMs: 120_000 })).code, 1);
  const last = await agent.log("Gave up before nothing was left");
  assertStringIncludes(String(last.error), "MongoDB must be a replica set");
  const documents = documentsOf(database);
  assertEquals(await documents.countDocuments({ status: "pending", "_pull.attempts": 0 }), 5);
});
