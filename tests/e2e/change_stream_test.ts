import { assert, assertEquals } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { documentsOf, insertPending } from "../support/documents.ts";
import { MARKING } from "../support/modules.ts";
import { type TestDatabase, testDatabase } from "../support/mongod.ts";
import { openStreams } from "../support/open_streams.ts";
import { waitFor } from "../support/wait.ts";

const RARELY = { POLL_INTERVAL: "1h", SHUTDOWN_TIMEOUT: "60" };

/** How many change streams this database's agents have under way or left open. */
async function streams(db: TestDatabase): Promise<number> {
  return (await openStreams(db, "documents")).length;
}

Deno.test("CHANGE_STREAM: with POLL_INTERVAL=1h a document inserted while the agent is idle is processed at once, and the stop is clean", async () => {
  await using db = await testDatabase("stream e2e");
  await using home = await agentHome({ db, module: MARKING, env: RARELY });
  const agent = await home.startReady();
  await waitFor("the stream to be open", async () => await streams(db) === 1);
  await insertPending(db, [1]);
  await home.untilMarked("1");
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);
  await waitFor("the stream to be gone", async () => await streams(db) === 0);
});

Deno.test("CHANGE_STREAM: with CHANGE_STREAM=off there is no stream, and the poll finds what there is", async () => {
  await using db = await testDatabase("stream off");
  await using home = await agentHome({ db, module: MARKING, env: { CHANGE_STREAM: "off" } });
  await home.startReady();
  await insertPending(db, [1]);
  await home.untilMarked("1");
  assertEquals(await streams(db), 0);
});

Deno.test("CHANGE_STREAM: on a standalone it is said once that documents are found by polling alone", async () => {
  await using db = await testDatabase("stream standalone", { standalone: true });
  await using home = await agentHome({ db, module: MARKING });
  const agent = await home.startReady();
  const said = await agent.log("This server tells of no changes");
  await insertPending(db, [1]);
  await home.untilMarked("1");
  await waitFor(
    "the status to say so",
    async () => (await agent.status()).server?.lacks.join() === "change streams",
  );
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);
  assertEquals(agent.entries.filter(({ message }) => message === said.message).length, 1);
  assert(!agent.hasLogged("Cannot follow the changes"));
  assertEquals(await documentsOf(db).countDocuments({ status: "processed" }), 1);
});
