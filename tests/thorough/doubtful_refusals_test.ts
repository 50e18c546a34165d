import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { agentHome, CALM } from "../support/agent_home.ts";
import { documentsOf } from "../support/documents.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { waitFor } from "../support/wait.ts";

const MARKING = `export default ({ _id }) => { mark("run " + _id); };`;

/** Documents of which none can be processed: the code of this index is in no list. */
async function insertHopeless(db: TestDatabase): Promise<void> {
  await documentsOf(db).createIndex({ at: "2d" }, { partialFilterExpression: { status: "processed" } });
  await documentsOf(db).insertMany([1, 2, 3].map((id) => ({ _id: id as never, at: [1], status: "pending" })));
}

Deno.test("run that MongoDB lets write no ack, with an unknown code, blames no document and is not ready; a Job gives up after a minute", async () => {
  await using db = await testDatabase("doubtful job");
  await using other = await testDatabase("doubtful agent");
  for (const each of [db, other]) await insertHopeless(each);
  await using job = await agentHome({ db, module: MARKING, env: { ...CALM, SHUTDOWN_TIMEOUT: "1" } });
  const ending = await job.start({ args: ["run", "--until-empty"] });

  await using home = await agentHome({ db: other, module: MARKING });
  const agent = await home.startReady();
  await agent.log("Cannot write the outcome (ack), trying again");
  await home.untilNotReady();
  assert(await home.probe("liveness"));
  await documentsOf(other).dropIndex("at_2d");
  await waitFor(
    "all to be processed",
    async () => await documentsOf(other).countDocuments({ status: "processed", "_pull.attempts": 1 }) === 3,
  );
  await agent.untilReady();
  assertEquals((await home.marks()).length, 3);

  assertEquals((await ending.exit()).code, 1, ending.output);
  const { level, error } = await ending.log("Gave up before nothing was left: outcomes cannot be written");
  assertEquals(level, "ERROR");
  assertStringIncludes(String(error), "geo field");
  assertEquals(await documentsOf(db).countDocuments({ status: { $in: ["failed", "processed"] } }), 0);
  assertEquals((await job.marks()).length, 3);
});
