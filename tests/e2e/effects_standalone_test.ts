import { assertEquals, assertStringIncludes } from "@std/assert";
import { agentHome, CALM } from "../support/agent_home.ts";
import { documentsOf, insertPending, upTo } from "../support/documents.ts";
import { testDatabase } from "../support/mongod.ts";

const MODULE =
  `export default ({ _id }) => ({ writes: [{ collection: "invoices", insertOne: { order: _id } }] });`;

Deno.test("run --until-empty on a standalone server gives up after a minute if its processor asks for writes, and says why", async () => {
  await using database = await testDatabase("effects", { standalone: true });
  await insertPending(database, upTo(5));
  await using home = await agentHome({ db: database, module: MODULE, env: CALM });
  const agent = await home.start({ args: ["run", "--until-empty"] });
  const first = await agent.log("Cannot write the outcome (ack_with_writes), trying again");
  assertEquals(first.level, "ERROR");
  await home.untilNotReady();
  assertEquals((await agent.exit()).code, 1);
  const last = await agent.log("Gave up before nothing was left");
  assertStringIncludes(String(last.error), "MongoDB must be a replica set");
  const documents = documentsOf(database);
  assertEquals(await documents.countDocuments({ status: "pending", "_pull.attempts": 0 }), 5);
});

Deno.test("WRITES_TO on a standalone server makes an ERROR at the start, before any document asks for writes", async () => {
  for (const standalone of [true, false]) {
    await using database = await testDatabase("effects", { standalone });
    await insertPending(database, upTo(1));
    await using home = await agentHome({ db: database, env: { PROCESSOR: "log", WRITES_TO: "invoices" } });
    const { code, stdout } = await home.runWith({ args: ["run", "--until-empty"] });
    assertEquals(code, 0);
    const found = stdout.includes("WRITES_TO needs transactions, which a standalone server has not");
    assertEquals(found, standalone, stdout);
  }
});
