import { assertEquals, assertMatch } from "@std/assert";
import { type AgentHome, agentHome } from "../support/agent_home.ts";
import type { AgentProcess } from "../support/agent_process.ts";
import { insertPending, upTo } from "../support/documents.ts";
import { FleetDatabase } from "../support/fleet_database.ts";
import { testDatabase } from "../support/mongod.ts";

const AGENTS = 20;
const CALM = { POLL_INTERVAL: "1s", HEARTBEAT_INTERVAL: "2s", LEASE_DURATION: "120" };
const WORKING = "export default () => new Promise((done) => setTimeout(done, 20));";

Deno.test("pause --fleet reaches twenty agents at work; kills, a frozen one, a late one and a restart of all leave it in force", async () => {
  await using db = await testDatabase("twenty agents");
  const fleet = new FleetDatabase(db);
  const documents = await insertPending(db, upTo(200_000));
  await using stack = new AsyncDisposableStack();
  const homes: AgentHome[] = [];
  for (let n = 1; n <= AGENTS; n++) {
    const env = { ...CALM, AGENT_NAME: `agent-${n}`, CONCURRENCY: "2", BATCH_SIZE: "10" };
    homes.push(stack.use(await agentHome({ db, module: WORKING, env })));
  }
  let agents = await Promise.all(homes.map((home) => home.start()));
  await fleet.untilEntries("twenty agents at work", AGENTS, ({ counters }) => counters.processed > 0);
  const pause = await homes[0]!.run("pause", "--fleet", "--reason", "price service is down");
  assertEquals([pause.code, pause.stderr], [0, ""]);
  console.log(pause.stdout.trimEnd());
  assertMatch(pause.stdout, /^20 of 20 agents confirmed to be paused, after /);
  await fleet.untilEntries("all to hold nothing", AGENTS, ({ held }) => held === 0);
  const processed = () => documents.countDocuments({ status: "processed" });
  const before = await processed();

  // All are killed but one that is frozen; all start anew, and one more.
  const [frozen, ...others] = agents as [AgentProcess, ...AgentProcess[]];
  frozen.signal("SIGSTOP");
  await Promise.all(others.map((agent) => agent.kill9()));
  const late = stack.use(await agentHome({ db, module: WORKING, env: { ...CALM, AGENT_NAME: "late" } }));
  agents = await Promise.all([...homes.slice(1), late].map((home) => home.start()));
  for (const agent of agents) {
    const { control } = await agent.untilStatus("its pause", ({ state }) => state === "paused");
    assertEquals([control.source, control.reason], ["fleet", "price service is down"]);
  }
  assertEquals(await processed(), before);
  // The frozen one is told from the dead ones by what it is: nothing is changed in the registry here.
  let seen: Record<string, number> = {};
  for (
    const endMs = Date.now() + 120_000;
    Date.now() < endMs && !(seen.frozen && seen.dead === AGENTS - 1);
  ) {
    const { stdout } = await late.run("status", "--fleet", "--json");
    seen = {};
    for (const { presence } of JSON.parse(stdout).agents) seen[presence] = (seen[presence] ?? 0) + 1;
  }
  assertEquals(seen, { alive: AGENTS, dead: AGENTS - 1, frozen: 1 });
  const again = await late.run("pause", "--fleet", "--reason", "still down");
  assertEquals(again.code, 1);
  assertMatch(again.stdout, /^20 of 20 agents confirmed/);
  assertMatch(
    again.stderr,
    /^pulling-agent: agent-1 \(started at \S+Z\) is frozen, or may not write the registry any more; [^\n]*\n$/,
  );

  frozen.signal("SIGCONT");
  const resume = await late.run("resume", "--fleet");
  console.log(resume.stdout.trimEnd());
  assertMatch(resume.stdout, /^2[01] of 2[01] agents confirmed to be running/);
  await fleet.untilEntries(
    "twenty-one agents at work",
    2 * AGENTS,
    ({ counters, name, seen_at }) =>
      counters.processed > 0 || name === "agent-1" || Number(seen_at) < Date.now() - 15_000,
  );
});
