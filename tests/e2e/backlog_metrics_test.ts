import { assert, assertEquals, assertMatch } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { insertPending, upTo } from "../support/documents.ts";
import { valueOf } from "../support/metrics.ts";
import { testDatabase } from "../support/mongod.ts";
import { waitFor } from "../support/wait.ts";

Deno.test("METRICS_FILE: the metrics tell what waits, also while the agent is paused, and so does status; what is not known is missing", async () => {
  await using db = await testDatabase("backlog metrics");
  const documents = await insertPending(db, upTo(12));
  const due = {
    _id: 13 as never,
    status: "pending",
    _pull: { visible_at: new Date(Date.now() - 90_000), attempts: 1 },
  };
  await documents.insertOne(due as never);
  await db.db.collection("documents_dead_letters").insertOne({ source: { collection: "documents" } });
  await using home = await agentHome({ db });
  await home.write("control/state", "pause");
  const agent = await home.start({ env: { METRICS_FILE: "true" } });
  const text = await waitFor("what waits", async () => {
    const { stdout } = await home.run("metrics");
    return /^pulling_agent_claimable_documents/m.test(stdout) ? stdout : undefined;
  });
  const labels = `{database="${db.name}",collection="documents"}`;
  assertEquals(valueOf(text, `pulling_agent_claimable_documents${labels}`), 13);
  assertEquals(valueOf(text, `pulling_agent_dead_letters${labels}`), 1);
  assert(valueOf(text, `pulling_agent_oldest_claimable_seconds${labels}`)! >= 90);
  const { backlog, summary } = JSON.parse((await home.run("status", "--json")).stdout);
  assertEquals([backlog.claimable, backlog.dead_letters, backlog.oldest_s >= 90], [13, 1, true]);
  assertMatch(
    summary,
    /^paused by the control file since (the agent started, )?\d\d:\d\d:\d\d UTC, \d+ m?s ago$/,
  );
  const { stdout } = await home.run("status");
  assertMatch(stdout, /^backlog +13 claimable, the oldest for 1 min \d+ s, 1 dead letters, as of /m);
  agent.signal("SIGTERM");
  assertEquals((await agent.exit()).code, 0);
});
