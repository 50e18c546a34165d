import { assert, assertEquals } from "@std/assert";
import type { LimitStatus } from "../../health/limit_status.ts";
import { agentHome } from "../support/agent_home.ts";
import { insertPending, upTo } from "../support/documents.ts";
import { FleetDatabase } from "../support/fleet_database.ts";
import { Guarded } from "../support/guarded.ts";
import { testDatabase } from "../support/mongod.ts";
import { leasesBegun, limitedHome } from "../support/limited.ts";
import { waitFor } from "../support/wait.ts";

/** What the status of an agent tells of its limit. */
const ofFleet = (limit: LimitStatus | undefined) => [limit?.here_per_s, limit?.fleet?.agents];

Deno.test("RATE_LIMIT of the fleet is divided by the agents that run, and the rest take over from one that is killed", async () => {
  await using db = await testDatabase("rate limit");
  await insertPending(db, upTo(3000));
  await using home = await limitedHome(db, { RATE_LIMIT: "40/s", RATE_LIMIT_SCOPE: "fleet" });
  const registry = new FleetDatabase(db);
  const [first, second] = [await home.startOne("a"), await home.startOne("b")];
  for (const agent of [first, second]) {
    await agent.untilStatus("half of the limit", ({ rate_limit }) => ofFleet(rate_limit).join() === "20,2");
  }
  const entries = await registry.entries();
  assertEquals(entries.map(({ name, share, working }) => [name, share, working]).toSorted(), [
    ["a", 0.5, true],
    ["b", 0.5, true],
  ]);

  // A pause gives the share away, and a resume takes it back.
  second.signal("SIGUSR1");
  await first.untilStatus("all of the limit", ({ rate_limit }) => ofFleet(rate_limit).join() === "40,1");
  second.signal("SIGUSR2");
  await first.untilStatus("half of it", ({ rate_limit }) => ofFleet(rate_limit).join() === "20,2");

  await second.kill9();
  const { rate_limit: alone } = await first.untilStatus(
    "all of the limit",
    ({ rate_limit }) => ofFleet(rate_limit).join() === "40,1",
  );
  assertEquals(alone?.fleet, { agents: 1, silent: 1 });
  first.signal("SIGTERM");
  assertEquals((await first.exit()).code, 0);
  const left = await registry.entries();
  assertEquals(left.map(({ name }) => name), ["b"], "an end removes the entry");
  const [index] = (await registry.collection.indexes()).filter(({ name }) => name !== "_id_");
  assertEquals(index?.partialFilterExpression, { registry: "pulling-agent" });

  // In no second of all that, more started than two seconds give: the rate, and what a second holds.
  const starts = await home.starts();
  assert(starts.length > 100, `${starts.length} documents`);
  for (const from of starts) {
    const count = starts.filter((at) => at >= from && at < from + 1000).length;
    assert(count <= 82, `${count} in a second`);
  }
});

Deno.test("RATE_LIMIT: a Job with a limit ends, status and metrics tell of it, and never are more documents leased than start within a second", async () => {
  await using db = await testDatabase("rate limit of a job");
  // They take ten seconds: a machine that is busy can look meanwhile.
  const documents = 200;
  await insertPending(db, upTo(documents));
  const { operationTime } = await db.db.command({ ping: 1 });
  await using home = await limitedHome(db, { RATE_LIMIT: "20", METRICS_FILE: "true" });
  const agent = await home.start({ args: ["run", "--until-empty"] });
  const status = await agent.untilStatus(
    "the limit to hold it",
    ({ rate_limit }) => !!rate_limit?.holds_back,
  );
  assertEquals([status.rate_limit?.limit, status.rate_limit?.here_per_s], ["20/s", 20]);
  const { stdout } = await home.run("status");
  assert(/^rate limit +20\/s/m.test(stdout), stdout);
  const metrics = await waitFor("a count of starts", async () => {
    const { stdout } = await home.run("metrics");
    return /rate_limit_wait_seconds_count ([3-9]\d|1\d\d)/.test(stdout) ? stdout : undefined;
  });
  assert(/^pulling_agent_rate_limit_per_second 20$/m.test(metrics), metrics);
  assertEquals(
    /wait_seconds_bucket\{le="1.5"\} (\d+)/.exec(metrics)?.[1],
    /seconds_count (\d+)/.exec(
      metrics.slice(metrics.indexOf("rate_limit_wait_seconds_count")),
    )?.[1],
  );
  assertEquals((await agent.exit()).code, 0);
  const starts = await home.starts();
  assertEquals(starts.length, documents);
  // With 20 a second, one with at most 19 before it starts within a second. After a moment in which the machine had other
  // things to do, those that are due start together with those of the next second.
  const begins = await leasesBegun(db, operationTime, documents);
  for (const at of begins) {
    const waiting = begins.filter((each) => each <= at).length - starts.filter((each) => each < at).length;
    assert(waiting <= 40, `${waiting} documents are leased and have not started`);
  }
});

Deno.test("RATE_LIMIT_SCOPE of the fleet without the right to its collection: no document starts, until it is granted", async () => {
  await using guarded = await Guarded.start();
  await guarded.makeUserWithoutFleet("secret");
  await guarded.insert("a");
  await using home = await agentHome({
    db: { uri: guarded.uri("secret"), name: "shop" },
    env: { RATE_LIMIT: "50", RATE_LIMIT_SCOPE: "fleet" },
  });
  const agent = await home.start();
  const line = await agent.log("The agent may not join the fleet");
  assertEquals([line.level, line.collection], ["ERROR", "shop.documents_agents"]);
  await agent.untilStatus(
    "it to be unready",
    ({ ready, trouble }) => !ready && trouble?.what === "claims_fail",
  );
  assertEquals((await agent.status()).counters.claimed, 0);
  await guarded.grantFleet();
  await guarded.untilProcessed("a");
  await agent.untilReady();
  assertEquals(agent.entries.filter(({ message }) => message.includes("may not join the fleet")).length, 1);
});
