import { assert, assertEquals } from "@std/assert";
import { agentHome } from "../support/agent_home.ts";
import { insertPending, upTo } from "../support/documents.ts";
import { FleetDatabase } from "../support/fleet_database.ts";
import { valueOf } from "../support/metrics.ts";
import { testDatabase } from "../support/mongod.ts";
import { waitFor } from "../support/wait.ts";

Deno.test("FLEET: one of its agents counts what waits, with metrics or without, and all of them show it", async () => {
  await using db = await testDatabase("fleet backlog");
  const fleet = new FleetDatabase(db);
  await insertPending(db, upTo(12));
  await fleet.ask({ state: "paused", reason: "to count" });
  await db.db.command({ profile: 2 });
  await using plain = await agentHome({ db, env: { AGENT_NAME: "plain", PROCESSOR: "log" } });
  const first = await plain.start();
  const { backlog } = await first.untilStatus("what waits", ({ backlog }) => backlog !== undefined, {
    timeoutMs: 60_000,
  });
  assertEquals([backlog?.claimable, backlog?.dead_letters], [12, 0]);
  // It has looked and told the others, and `top` and the dashboard.
  const shared = await waitFor(
    "what it found",
    () => fleet.collection.findOne({ _id: /^backlog /, claimable: 12, turn: null }),
    { timeoutMs: 60_000 },
  );
  assertEquals(shared.counts.map(({ claimable }: { claimable: number }) => claimable), [12]);

  // The next turn is not due for a while.
  const { matchedCount } = await fleet.collection.updateOne({ _id: /^backlog / }, {
    $set: { rest_ms: 300_000 },
  });
  assertEquals(matchedCount, 1);
  await using shown = await agentHome({
    db,
    env: { AGENT_NAME: "shown", PROCESSOR: "log", METRICS_FILE: "true" },
  });
  const second = await shown.start();
  const text = await waitFor("the metrics", async () => {
    const { stdout } = await shown.run("metrics");
    return /^pulling_agent_claimable_documents/m.test(stdout) ? stdout : undefined;
  }, { timeoutMs: 60_000 });
  assertEquals(
    valueOf(text, `pulling_agent_claimable_documents{database="${db.name}",collection="documents"}`),
    12,
  );
  await second.untilStatus("what waits", ({ backlog }) => backlog?.claimable === 12, { timeoutMs: 60_000 });
  await db.db.command({ profile: 0 });
  const looks = await db.db.collection("system.profile").distinct("appName", {
    "command.pipeline.$group.documents": { $exists: true },
  });
  assertEquals(looks, ["pulling-agent/plain"]);
  for (const agent of [first, second]) {
    agent.signal("SIGTERM");
    assertEquals((await agent.exit()).code, 0);
  }
  assert(!first.output.includes("WARNING") && !second.output.includes("WARNING"), second.output);
});
