import { assert, assertEquals, assertMatch } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { insertPending, upTo } from "../support/documents.ts";
import { testDatabase } from "../support/mongod.ts";
import { waitFor } from "../support/wait.ts";

/** Marks each run, and each document that is told to stop; ends once the file `go` is there. */
const WAITING = `export default async ({ _id }, { signal }) => {
  mark("run " + _id);
  signal.addEventListener("abort", () => mark("abort " + _id));
  const go = Deno.env.get("MARKS") + ".go";
  while (!signal.aborted) {
    try { Deno.statSync(go); return; } catch { await new Promise((resolve) => setTimeout(resolve, 20)); }
  }
};`;

Deno.test("run keeps the leases of all documents but the one that a transaction of another program locks", async () => {
  await using db = await testDatabase("locked documents");
  await using home = await agentHome({
    db,
    module: WAITING,
    env: { LEASE_DURATION: "6s", LOG_LEVEL: "DEBUG", CONCURRENCY: "20" },
  });
  const documents = await insertPending(db, upTo(20));
  const agent = await home.start();
  // Making an index waits for the transaction as well, and all writes wait for it.
  await agent.log("The indexes that claims need are there");
  await waitFor("all to run", async () => (await home.marks()).length === 20);

  await using session = db.client.startSession();
  session.startTransaction();
  await documents.updateOne({ _id: 1 }, { $set: { theirs: true } }, { session });
  const log = await agent.log("Cannot renew leases");
  assertEquals(log.documents, 1);
  assertMatch(String(log.error), /an open transaction of another program may hold a lock/);
  await home.untilMarked("abort 1");
  // Each other lease is renewed after the moment in which the locked one was lost.
  const lostAt = (await db.db.command({ hello: 1 })).localTime.getTime();
  await waitFor("renewals", async () => {
    const query = { _id: { $ne: 1 }, "_pull.visible_at": { $gt: new Date(lostAt + 4000) } };
    return await documents.countDocuments(query) === 19;
  });
  await home.write("marks.go", "");
  await waitFor(
    "the others' acks",
    async () => await documents.countDocuments({ status: "processed" }) === 19,
  );
  await session.commitTransaction();
  await waitFor("the last ack", async () => await documents.countDocuments({ status: "processed" }) === 20);
  const texts = (await home.marks()).map(({ text }) => text);
  assert(texts.every((text) => text.startsWith("run ") || text === "abort 1"), texts.join(", "));
  assertEquals(texts.filter((text) => text.startsWith("run ") && text !== "run 1").length, 19);
});
