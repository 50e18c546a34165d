import { assert, assertEquals } from "@std/assert";
import { type RunningMongod, startMongod } from "../../scripts/mongod.ts";
import { type AgentHome, agentHome } from "../support/agent_home.ts";
import { insertPending, type TestDocument, upTo } from "../support/documents.ts";
import { MARKING } from "../support/modules.ts";
import { TestDatabase } from "../support/mongod.ts";
import { waitFor } from "../support/wait.ts";

/** A client of a server that comes and goes; nothing is dropped at the end, as the server goes with its data. */
class Outpost implements AsyncDisposable {
  readonly database: TestDatabase;

  constructor(mongod: RunningMongod) {
    this.database = new TestDatabase(mongod.uri, "outage");
  }

  count(filter: Partial<Record<keyof TestDocument, unknown>>): Promise<number> {
    return this.database.db.collection("documents").countDocuments(filter);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.database.client.close();
  }
}

/**
 * Waits for readiness to go or come. The agent has to count as alive at each look, and its heart has to beat while
 * MongoDB is out of reach: the liveness probe alone would notice a heartbeat that stops half a minute later.
 */
async function untilReadiness(home: AgentHome, wanted: boolean): Promise<void> {
  await waitFor(`readiness to be ${wanted}`, async () => {
    await home.assertAlive();
    return await home.probe("readiness") === wanted;
  });
  await home.untilHeartbeat();
  await home.assertAlive();
}

Deno.test("Outages: an agent waits for a MongoDB that is not there yet, alive and not ready", async () => {
  await using mongod = await startMongod();
  await using outpost = new Outpost(mongod);
  await insertPending(outpost.database, upTo(10));
  await mongod.kill();
  await using home = await agentHome({ db: { uri: mongod.uri, name: "outage" }, module: MARKING });
  const agent = await home.start();
  await agent.log("Cannot claim");
  assert(await home.probe("startup"));
  await untilReadiness(home, false);
  await mongod.start();
  await untilReadiness(home, true);
  await agent.waitFor("all to be processed", async () => await outpost.count({ status: "processed" }) === 10);
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0, agent.output);
});

// A server that is frozen costs a test a quarter of a minute of the driver's timeouts: once is enough.
const OUTAGES = [
  { replicaSet: true, how: "killed" },
  { replicaSet: false, how: "killed" },
  { replicaSet: true, how: "frozen" },
] as const;

for (const { replicaSet, how } of OUTAGES) {
  const which = replicaSet ? "a replica set" : "a server without replication";

  Deno.test(`${which} that is ${how} and comes back costs no document, and the agent stays alive`, async () => {
    await using mongod = await startMongod({ replicaSet });
    await using outpost = new Outpost(mongod);
    await insertPending(outpost.database, upTo(500));
    await using home = await agentHome({
      db: { uri: mongod.uri, name: "outage" },
      module: `export default async ({ _id }) => {
          mark(String(_id));
          await new Promise((resolve) => setTimeout(resolve, 10));
        };`,
      // A server that has just come back takes seconds for its first answers on a busy machine: half a lease is their limit.
      env: { CONCURRENCY: "4", BATCH_SIZE: "50", LEASE_DURATION: "10", MAX_ATTEMPTS: "3" },
    });
    const agent = await home.startReady();
    await home.untilMarked("40");
    if (how === "killed") await mongod.kill();
    else mongod.freeze();
    await untilReadiness(home, false);
    if (how === "killed") await mongod.start();
    else mongod.thaw();
    await untilReadiness(home, true);
    await agent.waitFor(
      "all to be processed",
      async () => await outpost.count({ status: "processed" }) === 500,
    );
    const marked = new Set((await home.marks()).map(({ text }) => text));
    assertEquals(marked.size, 500);
    agent.signal("SIGTERM");
    assertEquals((await agent.exit()).code, 0, agent.output);
    assertEquals(await outpost.count({ status: "processed" }), 500);
  });
}
