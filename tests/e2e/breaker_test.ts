import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { documentsOf, insertPending, upTo } from "../support/documents.ts";
import { testDatabase } from "../support/mongod.ts";

const DOWN = `export default ({ _id }) => { mark("run"); throw new Error("connection refused"); };`;

Deno.test("run --until-empty exits with 1 if its processor is down, and its documents keep their attempts", async () => {
  await using db = await testDatabase("breaker job");
  const documents = await insertPending(db, upTo(300));
  const env = { BREAKER_COOLDOWN: "100ms", MAX_ATTEMPTS: "3", LEASE_DURATION: "20" };
  await using home = await agentHome({ db, module: DOWN, env });
  const { code, stdout, stderr } = await home.run("run", "--until-empty");
  assertEquals(code, 1);
  const last = JSON.parse((stdout + stderr).trimEnd().split("\n").at(-1)!);
  assertEquals([last.level, last.error], ["ERROR", "connection refused"]);
  assertStringIncludes(last.message, "the processor fails for one document after the other");
  assertEquals(await documents.countDocuments({ status: "pending" }), 300);
  // After 0, 0.1, 0.3, 0.7, 1.5 and 3.1 seconds three documents were tried, and 20 before.
  const tried = await documents.countDocuments({ "_pull.attempts": { $gt: 0 } });
  assert(tried <= 20 + 3 * 6, `${tried} documents have lost an attempt`);
});

Deno.test("BREAKER_THRESHOLD: with 0 all documents that fail become dead letters", async () => {
  await using db = await testDatabase("breaker off");
  await insertPending(db, upTo(60));
  const env = { BREAKER_THRESHOLD: "0", MAX_ATTEMPTS: "1", LEASE_DURATION: "20" };
  await using home = await agentHome({ db, module: DOWN, env });
  assertEquals((await home.run("run", "--until-empty")).code, 0);
  assertEquals(await documentsOf(db).countDocuments({ status: "failed" }), 60);
});
