import { assert, assertEquals, assertFalse } from "@std/assert";
import { type AgentHome, agentHome } from "../support/agent_home.ts";
import { insertPending, upTo } from "../support/documents.ts";
import { GATED, MARKING } from "../support/modules.ts";
import { testDatabase } from "../support/mongod.ts";
import { waitFor } from "../support/wait.ts";

Deno.test("Replicas: four replicas drain 8,000 documents, each processed exactly once, without a storm of conflicts", async () => {
  const count = 8000;
  await using db = await testDatabase("four replicas");
  const documents = await insertPending(db, upTo(count));
  const env = { LEASE_DURATION: "1m", LOG_LEVEL: "DEBUG" };
  await using home = await agentHome({ db, module: MARKING, env });
  const healthDirs = upTo(4).map((n) => `${home.dir}/health${n}`);
  const agents = await Promise.all(healthDirs.map((HEALTH_DIR) => home.start({ env: { HEALTH_DIR } })));
  await waitFor(
    "all to be processed",
    async () => await documents.countDocuments({ status: "processed" }) === count,
  );
  for (const agent of agents) agent.signal("SIGTERM");
  for (const agent of agents) assertEquals((await agent.exit()).code, 0);

  const marks = await home.marks();
  assertEquals(marks.length, count);
  assertEquals(new Set(marks.map(({ text }) => text)).size, count);
  assertEquals(await documents.countDocuments({ status: "processed", "_pull.attempts": 1 }), count);
  const entries = agents.flatMap((agent) => agent.entries);
  assertEquals(entries.filter(({ level }) => level !== "INFO" && level !== "DEBUG"), []);

  const claims = entries.filter(({ message }) => message === "Claimed documents");
  const sum = (field: string) => claims.reduce((total, claim) => total + (claim[field] as number), 0);
  assertEquals(sum("documents"), count);
  // Agents that read at the head alone lose a quarter of what they claim.
  assert(sum("conflicts") <= count * 0.15, `${sum("conflicts")} conflicts for ${count} documents`);
});

/** Two agents with the same database and processor, of which only the second is let through the gate. */
async function pair(db: { uri: string; name: string }, module: string): Promise<[AgentHome, AgentHome]> {
  const env = { LEASE_DURATION: "1" };
  const [first, second] = [await agentHome({ db, module, env }), await agentHome({ db, module, env })];
  await second.write("marks.go", "");
  return [first, second];
}

Deno.test("Replicas: the documents of a killed agent are taken over by another, which costs them no attempt", async () => {
  await using db = await testDatabase("kill 9");
  const documents = await insertPending(db, upTo(40));
  const [first, second] = await pair(db, GATED);
  await using _first = first;
  await using _second = second;
  const doomed = await first.startReady();
  await first.untilMarked("start 16");
  await doomed.kill9();
  assertEquals(await documents.countDocuments({ status: "processing" }), 40);

  const agent = await second.startReady();
  await agent.log("Took over");
  await waitFor(
    "all to be processed",
    async () => await documents.countDocuments({ status: "processed" }) === 40,
  );
  assertEquals(await documents.countDocuments({ "_pull.attempts": 1 }), 40);
  const { counters } = await agent.untilStatus("40 counted", (status) => status.counters.processed === 40);
  assertEquals(counters.takeovers, 40);
});

Deno.test("Replicas: an agent that was frozen for longer than its lease does not overwrite what its successor wrote", async () => {
  await using db = await testDatabase("frozen agent");
  const documents = await insertPending(db, [1]);
  const module = GATED.replace(
    'mark("end " + _id);',
    'mark("end " + _id); return { set: { by: Deno.pid } };',
  );
  const [first, second] = await pair(db, module);
  await using _first = first;
  await using _second = second;
  const frozen = await first.startReady();
  await first.untilMarked("start 1");
  frozen.signal("SIGSTOP");

  const agent = await second.startReady();
  await waitFor("the successor", async () => await documents.countDocuments({ status: "processed" }) === 1);
  const before = await documents.findOne({ _id: 1 });
  assertEquals(before!.by, agent.pid);

  await first.write("marks.go", "");
  frozen.signal("SIGCONT");
  await frozen.untilStatus(
    "the loss to be counted",
    ({ counters, held }) => counters.lease_lost + counters.unconfirmed === 1 && held.documents === 0,
  );
  assertEquals(await documents.findOne({ _id: 1 }), before);
});

Deno.test("Replicas: a handler that blocks forever stops the heartbeat, and another replica takes the rest over", async () => {
  await using db = await testDatabase("blocked");
  const documents = await insertPending(db, upTo(20));
  const module = `export default ({ _id }) => {
    mark(String(_id));
    while (Deno.env.get("BLOCK")) {}
  };`;
  const env = { LEASE_DURATION: "1" };
  await using stuck = await agentHome({ db, module, env: { ...env, BLOCK: "1" } });
  await using well = await agentHome({ db, module, env });
  await stuck.start();
  const { text } = await waitFor("a handler to block", async () => (await stuck.marks())[0]);
  const agent = await well.startReady();
  await waitFor("the others", async () => await documents.countDocuments({ status: "processed" }) === 20);
  assertEquals((await well.untilMarked(text)).map(({ pid }) => pid), [agent.pid]);

  // As old as it is after a minute: a heart that still beats renews it within a tenth of a second.
  for (const home of [stuck, well]) await ageHeartbeat(home);
  await waitFor("the heart of the other to beat", () => well.probe("liveness"));
  await ageHeartbeat(well);
  await waitFor("it to beat again", () => well.probe("liveness"));
  assertFalse(await stuck.probe("liveness"));
});

/** Makes the last heartbeat look a minute old. */
async function ageHeartbeat({ healthDir }: AgentHome): Promise<void> {
  const path = `${healthDir}/liveness`;
  const beat = JSON.parse(await Deno.readTextFile(path));
  const aged = { ...beat, machine_uptime_s: beat.machine_uptime_s - 60 };
  await Deno.writeTextFile(path, JSON.stringify(aged));
}
