import { assert, assertEquals, assertMatch } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { documentsOf, insertPending, upTo } from "../support/documents.ts";
import { MARKING } from "../support/modules.ts";
import { DOCUMENTS, testDatabase } from "../support/mongod.ts";
import { waitFor } from "../support/wait.ts";

for (const changeStream of ["auto", "off"]) {
  Deno.test(`Source: an agent on a missing collection reports that, is not ready, does not create it, and starts once it exists (CHANGE_STREAM=${changeStream})`, async () => {
    await using db = await testDatabase("source", { empty: true });
    await db.db.createCollection("document");
    await using home = await agentHome({ db, module: MARKING, env: { CHANGE_STREAM: changeStream } });
    const agent = await home.start();
    const { error } = await agent.log("Cannot claim documents");
    assertEquals(
      error,
      `There is no collection documents in the database ${db.name}: did you mean document? The agent makes none`,
    );
    assert(await home.probe("startup"));
    assertEquals(await home.probe("readiness"), false);
    assertMatch(
      (await home.run("status")).stdout,
      /last error +There is no collection documents in the database /,
    );

    const names = async () =>
      (await db.db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name).toSorted();
    // Nor does it make that of its fleet: the name may be a wrong one.
    assertEquals(await names(), ["document"]);

    await insertPending(db, upTo(3));
    await agent.untilReady();
    await waitFor(
      "all to be processed",
      async () => await documentsOf(db).countDocuments({ status: "processed" }) === 3,
    );
    await waitFor("the indexes", async () => (await documentsOf(db).indexes()).length === 3);
    assertEquals(agent.hasLogged("Agent is draining"), false);

    // Dropped while it runs, it is not made again, and is found again.
    if (changeStream === "off") return;
    await documentsOf(db).drop();
    await home.untilNotReady();
    assertEquals(await names(), ["document", "documents_agents"]);
    await insertPending(db, upTo(3));
    await agent.untilReady();
    await waitFor("the indexes", async () => (await documentsOf(db).indexes()).length === 3);
    agent.signal("SIGTERM");
    assertEquals((await agent.exit()).code, 0, agent.output);
  });
}

Deno.test("run --until-empty fails on a collection that is not there", async () => {
  await using db = await testDatabase("source", { empty: true });
  await db.db.createCollection("Documents");
  await using home = await agentHome({ db, module: MARKING });
  const agent = await home.start({ args: ["run", "--until-empty"] });
  assertEquals((await agent.exit()).code, 1, agent.output);
  const { reason } = await agent.log("Draining");
  assertMatch(String(reason), /^There is no collection documents in .*: did you mean Documents\?/);
  assertEquals(agent.hasLogged("Nothing claimable is left"), false);
});

/** A server renames no collection that it makes an index of. */
const RENAMED = { ENSURE_INDEXES: "false" };
const VANISHED = /^There is no collection documents in the database .*did you mean documents2\?/;

for (const CHANGE_STREAM of ["auto", "off"]) {
  Deno.test(`run --until-empty fails if its collection is renamed while it works (CHANGE_STREAM=${CHANGE_STREAM})`, async () => {
    await using db = await testDatabase("source");
    await insertPending(db, upTo(50));
    const module = `export default async ({ _id }) => {
      mark("run " + _id);
      await new Promise((resolve) => setTimeout(resolve, 20));
    };`;
    await using home = await agentHome({
      db,
      module,
      env: { ...RENAMED, CHANGE_STREAM, CONCURRENCY: "1", BATCH_SIZE: "5" },
    });
    const agent = await home.start({ args: ["run", "--until-empty"] });
    await waitFor("work", async () => (await home.marks()).length >= 3);
    await documentsOf(db).rename("documents2");
    assertEquals((await agent.exit()).code, 1, agent.output);
    const { level, error } = await agent.log("Gave up before nothing was left: the collection is not there");
    assertEquals(level, "ERROR");
    assertMatch(String(error), VANISHED);
    assertEquals(agent.hasLogged("Nothing claimable is left"), false);
    assertEquals(await db.db.listCollections({ name: "documents" }).hasNext(), false);
  });

  Deno.test(`run is not ready and says why if its collection is renamed, and is ready once it is back (CHANGE_STREAM=${CHANGE_STREAM})`, async () => {
    await using db = await testDatabase("source");
    await insertPending(db, upTo(3));
    await using home = await agentHome({ db, module: MARKING, env: { ...RENAMED, CHANGE_STREAM } });
    const agent = await home.startReady();
    await waitFor("work", async () => (await home.marks()).length === 3);
    await documentsOf(db).rename("documents2");
    const { error } = await agent.log("Cannot claim documents");
    assertMatch(String(error), VANISHED);
    await home.untilNotReady();
    await db.db.collection("documents2").rename("documents");
    await agent.untilReady();
  });
}

for (const args of [["run"], ["run", "--until-empty"]]) {
  Deno.test(`${args.join(" ")} ends with a view for a collection, and says that it is one`, async () => {
    await using db = await testDatabase("source", { empty: true });
    await db.db.createCollection(DOCUMENTS, { viewOn: "others", pipeline: [] });
    await using home = await agentHome({ db, module: MARKING });
    const agent = await home.start({ args });
    assertEquals((await agent.exit()).code, 2, agent.output);
    const { error } = await agent.log("Cannot claim documents");
    assertEquals(
      error,
      "MONGODB_COLLECTION is documents, which is a view, and nothing can be written to a view: name a collection",
    );
    assertEquals(agent.output.includes("singleBatch"), false, agent.output);
  });
}

Deno.test("dead-letters says that the collection is not there, and which may be meant", async () => {
  await using db = await testDatabase("source", { empty: true });
  await db.db.createCollection("document");
  await using home = await agentHome({ db });
  for (const args of [["list"], ["redrive", "--all"]]) {
    const { code, stderr } = await home.run("dead-letters", ...args);
    assertEquals(code, 1);
    assertMatch(stderr, /There is no collection documents in the database .*: did you mean document\? /);
  }
  assertEquals((await db.db.listCollections().toArray()).length, 1);
});

Deno.test("Source: an agent without PROCESSOR warns that it only marks, and one with nearly PROCESSOR does not start", async () => {
  await using db = await testDatabase("source");
  await insertPending(db, upTo(3));
  await using home = await agentHome({ db });
  const PROCESOR = "module:/processor.js";
  for (const command of ["run", "check"]) {
    const { code, stderr } = await home.runWith({ args: [command], env: { PROCESOR } });
    assertEquals(code, 2);
    assertMatch(
      stderr,
      /PROCESOR is set, which is not a setting of the agent, and PROCESSOR is not set: rename it/,
    );
  }
  assertEquals(await documentsOf(db).countDocuments({ status: "pending" }), 3);

  const agent = await home.start({ args: ["run", "--until-empty"] });
  assertEquals((await agent.exit()).code, 0, agent.output);
  const { level } = await agent.log("PROCESSOR is not set: documents are only marked as processed");
  assertEquals(level, "WARNING");
  assertEquals(await documentsOf(db).countDocuments({ status: "processed" }), 3);
});
